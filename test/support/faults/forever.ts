/** A program that does nothing and never ends by itself. */
setInterval(() => {}, 60_000);
