/** For people: `0:42`, `12:03`, and from an hour on `1:04:05`. Parts of a second are left out. */
export function durationText(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number): string => String(n % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes)}:${two(whole)}`;
}
