/**
 * What people take for a password when they are asked for 12 characters, from what is known of lists
 * that were published: words that are stretched with digits, signs or a second one of them, and whole
 * ones that are long enough by themselves. All in lower case, with letters for the digits and signs that
 * stand for them (see `spelled` of password-rules.ts). Walks over the keyboard, sequences and repeated
 * pieces are told by rules, not listed.
 */

/** Up to two of these, with whatever digits and signs, are no password. */
// biome-ignore format: a table
export const COMMON_WORDS: readonly string[] = [
  // What it is, or is for.
  'password', 'passwort', 'passwd', 'passcode', 'passphrase', 'contrasena', 'motdepasse', 'senha',
  'parola', 'wachtwoord', 'kennwort', 'haslo', 'secret', 'private', 'security', 'secure', 'login',
  'logon', 'signin', 'access', 'account', 'letmein', 'openup', 'opensesame', 'changeme', 'change',
  'default', 'temporary', 'temp', 'testing', 'test', 'guest', 'user', 'username', 'admin',
  'administrator', 'root', 'toor', 'superuser', 'sysadmin', 'system', 'operator', 'manager', 'service',
  'support', 'student', 'teacher', 'researcher', 'viewer', 'driver', 'server', 'database', 'network',
  'internet', 'computer', 'laptop', 'windows', 'linux', 'ubuntu', 'debian', 'raspberry', 'raspberrypi',
  'arduino', 'android', 'iphone', 'google', 'facebook', 'youtube', 'instagram', 'samsung', 'wireless',
  'hotspot', 'gateway', 'dashboard', 'vehicle', 'vigil', 'telemetry',
  // Greetings, love and what else is said.
  'welcome', 'hello', 'helloworld', 'world', 'goodbye', 'iloveyou', 'loveyou', 'ilove', 'loveme',
  'lovely', 'lover', 'love', 'forever', 'always', 'whatever', 'nothing', 'something', 'trustno', 'trust',
  'trustme', 'please', 'thanks', 'thankyou', 'fuckyou', 'fuckoff', 'asshole', 'bullshit', 'biteme',
  'killer', 'sexy', 'lucky', 'happy', 'smile', 'believe', 'freedom', 'liberty', 'justice', 'victory',
  'heaven', 'blessed', 'jesus', 'christ', 'jesuschrist', 'god', 'allah', 'angel', 'angels', 'devil',
  // Animals, stars, heroes.
  'monkey', 'dragon', 'tiger', 'lion', 'eagle', 'falcon', 'phoenix', 'panther', 'wolf', 'bear', 'kitten',
  'kitty', 'hellokitty', 'puppy', 'butterfly', 'dolphin', 'chicken', 'horse', 'snoopy', 'garfield',
  'tweety', 'mickey', 'mickeymouse', 'minnie', 'pokemon', 'pikachu', 'naruto', 'superman', 'batman',
  'spiderman', 'ironman', 'superstar', 'rockstar', 'starwars', 'startrek', 'skywalker', 'harrypotter',
  'matrix', 'gandalf', 'hunter', 'warrior', 'ninja', 'samurai', 'master', 'mistress', 'legend', 'knight',
  'king', 'queen', 'prince', 'princess', 'princesa', 'shadow', 'phantom', 'wizard', 'magic', 'mustang',
  'ferrari', 'porsche', 'mercedes', 'corvette', 'camaro', 'toyota', 'honda', 'yamaha', 'harley',
  'volkswagen', 'audi', 'tesla', 'racing', 'turbo',
  // Sports and what is eaten.
  'football', 'baseball', 'basketball', 'softball', 'volleyball', 'hockey', 'soccer', 'fussball',
  'futbol', 'tennis', 'golf', 'golfer', 'fishing', 'liverpool', 'arsenal', 'chelsea', 'manchester',
  'barcelona', 'realmadrid', 'juventus', 'bayern', 'yankees', 'cowboys', 'lakers', 'steelers', 'chocolate',
  'cookie', 'banana', 'orange', 'cherry', 'pepper', 'cheese', 'coffee', 'pizza', 'whisky',
  // Seasons, nature, colours, places.
  'summer', 'winter', 'spring', 'autumn', 'sommer', 'january', 'february', 'march', 'april', 'june',
  'july', 'august', 'september', 'october', 'november', 'december', 'monday', 'tuesday', 'wednesday',
  'thursday', 'friday', 'saturday', 'sunday', 'sunshine', 'sunflower', 'moonlight', 'rainbow', 'flower',
  'flowers', 'thunder', 'lightning', 'diamond', 'crystal', 'silver', 'golden', 'purple', 'yellow', 'black',
  'white', 'green', 'america', 'england', 'london', 'newyork', 'paris', 'berlin', 'germany',
  'deutschland', 'mexico', 'brasil', 'canada', 'australia', 'russia',
  // Names, as those of people and their children.
  'michael', 'michelle', 'jennifer', 'jessica', 'ashley', 'amanda', 'andrew', 'anthony', 'charlie',
  'christian', 'christopher', 'daniel', 'danielle', 'david', 'elizabeth', 'george', 'jackson', 'james',
  'jasmine', 'jordan', 'joseph', 'joshua', 'justin', 'matthew', 'maggie', 'melissa', 'nicholas', 'nicole',
  'patrick', 'richard', 'robert', 'samantha', 'sebastian', 'stephanie', 'taylor', 'thomas', 'vanessa',
  'victoria', 'william', 'alexander', 'alexandra', 'family', 'mother', 'father', 'mommy', 'daddy',
  'brother', 'sister', 'friend', 'friends', 'bestfriend', 'babygirl', 'babyboy', 'baby',
  // The beginnings of walks over keyboards, with a tail.
  'qwerty', 'qwertz', 'azerty', 'qwertyuiop', 'asdfgh', 'asdfghjkl', 'zxcvbn', 'zxcvbnm', 'abcdef', 'abc',
];

/** Whole, with signs and digits left out but for those that stand for letters. */
// biome-ignore format: a table
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set([
  'correcthorsebatterystaple', 'thisismypassword', 'thisisapassword',
  'thisisasecret', 'mypasswordis', 'mypasswordisstrong', 'ihatepasswords', 'iforgotmypassword',
  'nopasswordneeded', 'passwordispassword', 'enterpassword', 'insertpassword', 'yourpasswordhere',
  'strongpassword', 'supersecretpassword', 'averylongpassword', 'verysecretpassword',
  'donttellanyone', 'idontknow', 'idontremember', 'idontcare', 'iloveyousomuch', 'iloveyouforever',
  'iloveyoubaby', 'iloveyoubabe', 'iloveyoumom', 'iwillalwaysloveyou', 'loveyouforever', 'lovelovelove',
  'ilovemyfamily', 'ilovemymom', 'ilovemylife', 'ilovejesus', 'jesuslovesme', 'jesusismylord',
  'jesusislord', 'godisgood', 'godisgreat', 'godislove', 'ingodwetrust', 'maytheforcebewithyou',
  'lukeskywalker', 'darthvader', 'winniethepooh', 'spongebobsquarepants', 'supercalifragilistic',
  'supercalifragilisticexpialidocious', 'thequickbrownfox', 'thequickbrownfoxjumps', 'loremipsumdolor',
  'loremipsum', 'tobeornottobe', 'onceuponatime', 'happybirthday', 'merrychristmas', 'happynewyear',
  'manchesterunited', 'liverpoolfc', 'youllneverwalkalone', 'dallascowboys', 'chelseafc', 'unbelievable',
  'abracadabra', 'congratulations', 'motherfucker', 'gofuckyourself', 'rememberme', 'forgetmenot',
  'letmeinplease', 'letmeinnow', 'openthedoor', 'welcomehome', 'sweethome', 'homesweethome',
  'neverforget', 'nevergiveup', 'carpediem', 'hakunamatata', 'onetwothree', 'onetwothreefour',
  'einszweidrei', 'abcdefghijklmnopqrstuvwxyz', 'alphabetagamma',
]);
