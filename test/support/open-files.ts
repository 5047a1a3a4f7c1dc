import { readdirSync, readlinkSync } from 'node:fs';

/** What this process holds open, by path; sockets and the like by what the kernel calls them. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // That of the list itself.
    }
  });
}
