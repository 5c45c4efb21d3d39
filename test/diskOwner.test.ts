/** Folders of another user. Only root can start a process of another user, so other users skip these tests. */
import { assert, describe, it } from "@effect/vitest"
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import { assertEqual } from "./support/equality.js"

/** `nobody`. */
const user = 65_534

const run = (uid: number, args: ReadonlyArray<string>) =>
  spawnSync(process.execPath, args, { encoding: "utf8", ...(uid !== 0 && { uid, gid: uid, cwd: "/" }) })

const canSwitch = process.getuid?.() === 0 && run(user, ["-e", "1"]).status === 0

describe.skipIf(!canSwitch)("a folder of another user", { timeout: 60_000 }, () => {
  const home = canSwitch ? mkdtempSync(join(tmpdir(), "agentcore-owner-")) : ""
  const child = join(home, "onDisk.mjs")

  beforeAll(async () => {
    chmodSync(home, 0o755)
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

  const open = (uid: number, directory: string, mode = "open"): string => {
    const { stderr, stdout } = run(uid, [child, mode, directory])
    assert.strictEqual(stderr, "")
    const result: unknown = JSON.parse(stdout)
    return typeof result === "string" ? result : String(Object(result).message)
  }

  let count = 0

  /** A new folder of this user, and the path of a folder in it. */
  const place = (owner: number) => {
    const parent = join(home, `place-${count++}`)
    mkdirSync(parent)
    chownSync(parent, owner, owner)
    return { parent, data: join(parent, "data") }
  }

  const chownAll = (directory: string, uid: number) => {
    chownSync(directory, uid, uid)
    for (const name of readdirSync(directory)) chownSync(join(directory, name), uid, uid)
  }

  const chown = "make this user its owner with chown, or use a folder of this user."

  const belongs = (path: string, mode: string, uid = 0) =>
    `: '${path}' belongs to uid ${uid} and has the mode ${mode}, and this process runs as uid ${user}; `

  /** The message without the detail of the system. */
  const reason = (message: string) => message.replace(/^The folder '[^']*' cannot be used: /, "").replace(/ \(.*\)/, "")

  it("cannot be created below a folder of another user", () => {
    const { data, parent } = place(0)
    assert.strictEqual(
      reason(open(user, data)),
      `it cannot be created: this user has no access${belongs(parent, "0755")}${chown}`
    )
  })

  it("must be readable and writable, whatever its mode", () => {
    for (const mode of [0o700, 0o755, 0o777, 0o1777]) {
      const { data } = place(user)
      mkdirSync(data)
      chmodSync(data, mode)
      const what = mode === 0o700 ? "it cannot be read" : "its mode cannot be set to 0700"
      const text = mode.toString(8).padStart(4, "0")
      assert.strictEqual(reason(open(user, data)), `${what}: this user has no access${belongs(data, text)}${chown}`)
    }
  })

  it("needs a parent in which its key can be created, and can be used after that is corrected", () => {
    const { data, parent } = place(0)
    mkdirSync(data, { mode: 0o700 })
    chownSync(data, user, user)
    assert.strictEqual(
      reason(open(user, data)),
      `the key cannot be written to ${data}.key: this user has no access${belongs(parent, "0755")}${chown}`
    )
    chownSync(parent, user, user)
    assert.strictEqual(open(user, data), "opened")
  })

  it("must not contain a file of another user, which the message names, and neither must its key", () => {
    const { data } = place(user)
    assert.strictEqual(open(0, data), "opened")
    const key = `${data}.key`
    chownSync(data, user, user)
    assert.strictEqual(
      reason(open(user, data)),
      `it cannot be opened: this user has no access${belongs(join(data, "LOCK"), "0600")}${chown}`
    )
    chownAll(data, user)
    assert.strictEqual(
      reason(open(user, data)),
      `the key in ${key} cannot be read: this user has no access${belongs(key, "0600")}${chown}`
    )
    chmodSync(key, 0o644)
    assert.strictEqual(
      reason(open(user, data)),
      `the key in ${key} cannot be read: this user has no access${belongs(key, "0644")}${chown}`
    )
    chownSync(key, user, user)
    assert.strictEqual(open(user, data), "opened")
    assert.strictEqual(statSync(key).mode & 0o777, 0o600)
  })

  it("may belong to this user without access for the owner, and then needs chmod", () => {
    const { data } = place(user)
    mkdirSync(data)
    chownSync(data, user, user)
    chmodSync(data, 0o000)
    assert.strictEqual(
      reason(open(user, data)),
      `it cannot be read: this user has no access${belongs(data, "0000", user)}give its owner access with chmod u+rwX.`
    )
  })

  it("has access for its owner only after it is opened, also if everyone had access to it and to its key", () => {
    const { data } = place(user)
    assert.strictEqual(open(user, data), "opened")
    chmodSync(data, 0o777)
    for (const name of readdirSync(data)) chmodSync(join(data, name), 0o666)
    chmodSync(`${data}.key`, 0o666)
    assert.strictEqual(open(user, data), "opened")
    const modes = [`${data}.key`, ...readdirSync(data).map((name) => join(data, name))].map((path) =>
      statSync(path).mode & 0o777
    )
    assertEqual([statSync(data).mode & 0o777, ...new Set(modes)], [0o700, 0o600])
  })

  it("is reported by the ledger in files with its owner and the remedy", () => {
    const { data, parent } = place(0)
    const text = (path: string, mode: string) =>
      `: this user has no access: '${path}' belongs to uid 0 and has the mode ${mode}; ${chown.slice(0, -1)}`
    const failed = `the folder of ConsentLedger, "${data}", could not be written`
    assert.strictEqual(reason(open(user, data, "ledger")), `${failed}${text(parent, "0755")}`)
    mkdirSync(data, { mode: 0o755 })
    assert.strictEqual(reason(open(user, data, "ledger")), `${failed}${text(data, "0755")}`)
    chmodSync(data, 0o700)
    assert.strictEqual(reason(open(user, data, "ledger")), `${failed}${text(data, "0700")}`)
    chownSync(data, user, user)
    assert.strictEqual(open(user, data, "ledger"), "opened")
    assert.isTrue(existsSync(data))
  })
})
