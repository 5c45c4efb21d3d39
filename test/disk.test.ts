/** Disks with problems: real file systems where the system allows to mount them, and the errors of the system everywhere. */
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import * as diskProblem from "../src/internal/lib/diskProblem.js"
import { assertEqual } from "./support/equality.js"

const level = (code: string, message: string) =>
  Object.assign(new Error("Database failed to open"), {
    code: "LEVEL_DATABASE_NOT_OPEN",
    cause: Object.assign(new Error(message), { code })
  })

const node = (code: string, message: string) => Object.assign(new Error(`${code}: ${message}`), { code })

const access = "give this user read and write access to the folder, its files and its key file"

const limit = "raise the limit, for example with `ulimit -n`, or close files"

const known: ReadonlyArray<readonly [title: string, error: unknown, expected: string]> = [
  [
    "a full disk, reported by LevelDB",
    level("LEVEL_IO_ERROR", "IO error: /data/000005.ldb: No space left on device"),
    "it failed: the disk is full (IO error: /data/000005.ldb: No space left on device); free space on it"
  ],
  [
    "a full disk, reported by Node",
    node("ENOSPC", "no space left on device, write"),
    "it failed: the disk is full (ENOSPC: no space left on device, write); free space on it"
  ],
  [
    "a used quota",
    level("LEVEL_IO_ERROR", "IO error: /data/LOCK: Disk quota exceeded"),
    "it failed: the disk quota is used up (IO error: /data/LOCK: Disk quota exceeded); free space, or raise the quota"
  ],
  [
    "a read-only file system",
    level("LEVEL_IO_ERROR", "IO error: /data/LOCK: Read-only file system"),
    "it failed: the file system is read-only (IO error: /data/LOCK: Read-only file system); mount it with write access, " +
    "or use a folder on another one"
  ],
  [
    "a denied file, reported by LevelDB",
    level("LEVEL_IO_ERROR", "IO error: /data/LOCK: Permission denied"),
    `it failed: this user has no access (IO error: /data/LOCK: Permission denied); ${access}`
  ],
  [
    "a denied file, reported by Node",
    node("EACCES", "permission denied, open '/data.key'"),
    `it failed: this user has no access (EACCES: permission denied, open '/data.key'); ${access}`
  ],
  ["a denied mode", node("EPERM", "chmod"), `it failed: this user has no access (EPERM: chmod); ${access}`],
  [
    "too many open files, reported by LevelDB",
    level("LEVEL_IO_ERROR", "IO error: /data/000001.log: Too many open files"),
    `it failed: too many files are open (IO error: /data/000001.log: Too many open files); ${limit}`
  ],
  [
    "too many open files in the system",
    level("LEVEL_IO_ERROR", "IO error: /data/000001.log: Too many open files in system"),
    `it failed: too many files are open (IO error: /data/000001.log: Too many open files in system); ${limit}`
  ],
  [
    "a path below a file",
    node("ENOTDIR", "not a directory, mkdir '/file/x'"),
    "it failed: a part of its path is a file (ENOTDIR: not a directory, mkdir '/file/x'); use a path of folders"
  ],
  [
    "a broken disk",
    level("LEVEL_IO_ERROR", "IO error: /data/000001.log: Input/output error"),
    "it failed: the disk reports an input or output error (IO error: /data/000001.log: Input/output error); check the disk"
  ],
  [
    "a file system without locks",
    level("LEVEL_LOCKED", "IO error: lock /data/LOCK: No locks available"),
    "it failed: the file system has no file locks (IO error: lock /data/LOCK: No locks available); use a folder on a " +
    "local disk"
  ],
  [
    "a folder in the place of a file",
    node("EISDIR", "illegal operation on a directory, read"),
    "it failed: a folder is in the place of a file (EISDIR: illegal operation on a directory, read); move it away"
  ],
  [
    "a link without a target",
    diskProblem.withoutTarget("/data"),
    "it failed: a symbolic link in its path has no target (the link '/data'); create the target, or use another path"
  ],
  [
    "a long path",
    node("ENAMETOOLONG", "name too long, mkdir"),
    "it failed: its path is too long (ENAMETOOLONG: name too long, mkdir); use a shorter path"
  ],
  ["an unknown error", new Error("the moon"), "it failed (the moon)"],
  [
    "a name that contains such a text",
    level("LEVEL_IO_ERROR", "IO error: /Permission denied/LOCK: the moon"),
    "it failed (IO error: /Permission denied/LOCK: the moon)"
  ],
  ["something else that is thrown", "the moon", "it failed (the moon)"]
]

describe("the description of a problem of the disk names the cause and the remedy", () => {
  for (const [title, error, expected] of known) {
    it(title, () => {
      assert.strictEqual(diskProblem.describe("it failed", error), expected)
    })
  }
})

const canMount = spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs tmpfs /tmp"]).status === 0

describe.skipIf(!canMount)("a folder on a real file system", { timeout: 60_000 }, () => {
  const home = mkdtempSync(join(tmpdir(), "agentcore-disk-"))
  const child = join(home, "onDisk.mjs")

  beforeAll(async () => {
    await build({
      entryPoints: [fileURLToPath(new URL("support/onDisk.ts", import.meta.url))],
      outfile: child,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["classic-level"],
      logLevel: "error"
    })
    symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(home, "node_modules"))
  })

  afterAll(() => rmSync(home, { recursive: true }))

  /** Runs a script in a folder `disk` with a file system of its own, and returns the lines that it prints. */
  const onDisk = (size: string, script: string): ReadonlyArray<unknown> => {
    const folder = mkdtempSync(join(home, "run-"))
    mkdirSync(join(folder, "disk"))
    writeFileSync(join(folder, "script"), `mount -t tmpfs -o size=${size} tmpfs disk\n${script}`)
    const { stderr, stdout } = spawnSync("unshare", ["-rm", "sh", "-e", "script"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, ON_DISK: `${process.execPath} ${child}` }
    })
    assert.strictEqual(stderr, "")
    return stdout.trim().split("\n").map((line) => JSON.parse(line))
  }

  const reason = "the disk is full; free space on it"

  it("that becomes full refuses writes with the cause until it is opened again, and loses nothing acknowledged", () => {
    const [filled, full, checked] = onDisk(
      "4m",
      [
        "dd if=/dev/zero of=disk/other bs=1k count=2000 2>/dev/null",
        "$ON_DISK fill disk/data acknowledged",
        "$ON_DISK open disk/data",
        "rm disk/other",
        "$ON_DISK check disk/data acknowledged"
      ].join("\n")
    )
    const message =
      `the change could not be stored (${reason}), and later changes are refused until the store is opened ` +
      "again"
    const { logged, ...errors }: { readonly logged: ReadonlyArray<string> } = Object(filled)
    assertEqual<unknown>(errors, { first: ["InternalServerError", message], later: ["InternalServerError", message] })
    assert.lengthOf(logged, 1)
    assert.match(String(logged[0]), /level=ERROR .*the disk is full; free space on it.*No space left on device/s)
    assert.match(
      String(Object(full).message),
      /^The folder 'disk\/data' cannot be used: .*the disk is full .*; free space on it\.$/
    )
    assert.isAbove(Number(Object(checked).found), 100)
  })

  it("that is full, read-only or below a file is rejected with its cause, and not as damaged", () => {
    const problems = onDisk(
      "4m",
      [
        "$ON_DISK open disk/data",
        "dd if=/dev/zero of=disk/other bs=1k count=9000 2>/dev/null || true",
        "$ON_DISK open disk/new",
        "rm disk/other",
        "touch disk/file",
        "$ON_DISK open disk/file",
        "$ON_DISK open disk/file/below",
        "mount -o remount,ro disk",
        "$ON_DISK open disk/data",
        "$ON_DISK open disk/another",
        "mount -o remount,rw disk",
        "$ON_DISK open disk/data"
      ].join("\n")
    ).map((line) => typeof line === "string" ? line : String(Object(line).message))
    const expected = [
      /^opened$/,
      /the disk is full \(.*\); free space on it\.$/,
      /it cannot be created: a part of its path is a file \(EEXIST: .*\); use a path of folders\.$/,
      /it cannot be created: a part of its path is a file \(EEXIST: .*\); use a path of folders\.$/,
      /it cannot be opened: the file system is read-only \(IO error: .*LOCK: Read-only file system\); mount it with/,
      /it cannot be created: the file system is read-only \(EROFS: .*\); mount it with write access/,
      /^opened$/
    ]
    assert.lengthOf(problems, expected.length)
    expected.forEach((pattern, index) => assert.match(problems[index] ?? "", pattern))
    for (const problem of problems) assert.notMatch(problem, /damaged|move it away/)
  })
})
