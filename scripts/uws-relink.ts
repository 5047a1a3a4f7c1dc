/**
 * Makes the uWebSockets.js binary load on a glibc older than 2.38 (Debian 12 has 2.36).
 *
 * The published binaries were built against glibc 2.38, whose headers redirect sscanf, strtol and
 * strtoul to `__isoc23_*` twins that older libraries lack. The twins differ only in accepting binary
 * literals ("0b1"), which the library never parses, so each import is pointed back at its plain
 * name: the symbol's name offset moves past the prefix inside the same string-table entry, its
 * version index becomes that of the architecture's first glibc, and the requirement on GLIBC_2.38,
 * now unused, is marked weak. Bytes change in place and the file keeps its size.
 *
 * Nothing but the two binaries named by hash below is ever written, and only as the one known
 * result; another one is refused on every host, as it would run inside the gateway. Source of the
 * layout: System V ABI, "Object Files" and "Dynamic Linking"; Linux Standard Base Core 5.0, chapter
 * 10.7 "Symbol Versioning".
 *
 *   node scripts/uws-relink.ts
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KnownBinary, readKnown, replaceKnown } from './known-binary.ts';

interface Binary extends KnownBinary {
  /** The version every plain libc symbol of the architecture carries. */
  readonly baseVersion: string;
}

/** `untouched` is as published in 20.57.0. */
const BINARIES: Readonly<Record<string, Binary>> = {
  x64: {
    untouched: '98128405dba2fb608448e921a979530f70c946a2cc9889c15f2fa70c2d00ab05',
    mended: '337e7312c83b0df8accbe2446055c1e663ef14824712a055dfb8c34852cd8d69',
    baseVersion: 'GLIBC_2.2.5',
  },
  arm64: {
    untouched: '88618b30ddf6b2b62310db89f40a701616676352aac5e0f6184dd8ef876199ce',
    mended: 'c52f98e37763f821adfd7a24445de06c5941db0bb99b92fd2ac06d5f65cd50f8',
    baseVersion: 'GLIBC_2.17',
  },
};

/** The glibc the binaries ask for. */
const WANTED = { major: 2, minor: 38, name: 'GLIBC_2.38' };
/** The twins live here; other libraries number versions of the same name differently. */
const LIBC = 'libc.so.6';
const TWIN_PREFIX = '__isoc23_';

/** Size of an entry of the symbol table, Elf64_Sym. */
const SYMBOL_BYTES = 24;
// Section types of the ELF header table.
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6fff_fffe;
const SHT_GNU_VERSYM = 0x6fff_ffff;
/** A missing version with this flag is not an error at load time. */
const VER_FLG_WEAK = 2;

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  /** Index of the related section: the string table of symbols and versions. */
  readonly link: number;
  /** Number of entries, for version requirements. */
  readonly info: number;
}

/** Copies the ELF64 little-endian file `binary` with every `__isoc23_` import made a plain one. */
export function relink(binary: Buffer, baseVersion: string): Buffer {
  const bytes = Buffer.from(binary);
  const sections = readSections(bytes);
  const symbols = sectionOf(sections, SHT_DYNSYM);
  const versions = sectionOf(sections, SHT_GNU_VERSYM);
  const requirements = sectionOf(sections, SHT_GNU_VERNEED);
  const strings = sections[symbols.link];
  if (!strings) throw new Error('the symbol table of the binary has no string table');
  const nameAt = (offset: number): string => {
    const start = strings.offset + offset;
    return bytes.toString('latin1', start, bytes.indexOf(0, start));
  };

  const required = readRequirements(bytes, requirements, nameAt);
  const base = required.find(({ file, name }) => file === LIBC && name === baseVersion);
  if (!base) throw new Error(`the binary imports nothing of ${LIBC} ${baseVersion}`);
  for (const { name, at } of required) {
    if (name === WANTED.name)
      bytes.writeUInt16LE(bytes.readUInt16LE(at + 4) | VER_FLG_WEAK, at + 4);
  }
  for (let i = 0; i < symbols.size / SYMBOL_BYTES; i++) {
    const at = symbols.offset + i * SYMBOL_BYTES;
    const isImport = bytes.readUInt16LE(at + 6) === 0;
    const name = bytes.readUInt32LE(at);
    if (!isImport || !nameAt(name).startsWith(TWIN_PREFIX)) continue;
    bytes.writeUInt32LE(name + TWIN_PREFIX.length, at);
    bytes.writeUInt16LE(base.index, versions.offset + 2 * i);
  }
  return bytes;
}

function readSections(bytes: Buffer): Section[] {
  const table = Number(bytes.readBigUInt64LE(40));
  const entryBytes = bytes.readUInt16LE(58);
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => {
    const at = table + i * entryBytes;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    };
  });
}

function sectionOf(sections: readonly Section[], type: number): Section {
  const section = sections.find((candidate) => candidate.type === type);
  if (!section) throw new Error(`the binary has no section of type 0x${type.toString(16)}`);
  return section;
}

/** Every version required of a shared library: where its entry is, and the index symbols use for it. */
function readRequirements(
  bytes: Buffer,
  section: Section,
  nameAt: (offset: number) => string,
): { file: string; name: string; at: number; index: number }[] {
  const required = [];
  let library = section.offset;
  for (let i = 0; i < section.info; i++) {
    const file = nameAt(bytes.readUInt32LE(library + 4));
    let at = library + bytes.readUInt32LE(library + 8);
    for (let k = 0; k < bytes.readUInt16LE(library + 2); k++) {
      const name = nameAt(bytes.readUInt32LE(at + 8));
      required.push({ file, name, at, index: bytes.readUInt16LE(at + 6) });
      at += bytes.readUInt32LE(at + 12);
    }
    library += bytes.readUInt32LE(library + 12);
  }
  return required;
}

/**
 * Relinks the binary at `path` where the host needs it; returns a sentence that says what was done, or
 * undefined where nothing was.
 *
 * @throws Error when the binary is neither the published one nor its relinked copy
 */
export function relinkInstalled(
  path: string,
  arch: string,
  glibc: string | undefined,
): string | undefined {
  if (glibc === undefined)
    throw new Error('uWebSockets.js needs glibc, and this host has another libc');
  const binary = BINARIES[arch];
  if (!binary) throw new Error(`no uWebSockets.js is known for ${arch}, only for x64 and arm64`);
  const bytes = readKnown(path, binary);
  if (bytes === undefined) return;
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major > WANTED.major || (major === WANTED.major && minor >= WANTED.minor)) {
    return;
  }
  replaceKnown(path, binary, relink(bytes, binary.baseVersion));
  return `${path} was relinked for glibc ${glibc}`;
}

/** The version of the running glibc, or undefined where the process uses another libc. */
function runningGlibc(): string | undefined {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  report.excludeNetwork = true; // It would look up the names of open sockets otherwise.
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}

if (import.meta.main) {
  const name = `uws_linux_${process.arch}_${process.versions.modules}.node`;
  const path = fileURLToPath(new URL(`../node_modules/uWebSockets.js/${name}`, import.meta.url));
  try {
    const done = relinkInstalled(relative('', path), process.arch, runningGlibc());
    if (done) console.log(`setup: ${done}`);
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
