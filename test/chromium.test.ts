import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { type Action, type Command, decide, ensure, type Facts, type Host, isBrowserTest } from "./support/chromium.js"
import { assertEqual } from "./support/equality.js"

const nothing: Facts = { named: undefined, found: [], install: undefined, apt: undefined, attempts: [] }

const decided = (facts: Partial<Facts>): Action => decide({ ...nothing, ...facts })

const message = (facts: Partial<Facts>): string => {
  const action = decided(facts)
  return action._tag === "Fail" ? action.message : assert.fail(`decided to ${action._tag}`)
}

const installs = (facts: Partial<Facts>) => {
  const action = decided(facts)
  return action._tag === "Install" ? action : assert.fail(`decided to ${action._tag}`)
}

const aptFailed = {
  installer: "apt",
  failures: [{ command: "apt-get install", code: 100, line: "E: Unable to locate package chromium" }]
} as const

const playwrightFailed = {
  installer: "playwright",
  failures: [{ command: "playwright-core install", code: 1, line: "Error: Download failure, code=1" }]
} as const

describe("which browser the tests use", () => {
  it("is the one that CHROMIUM names, whatever else there is", () => {
    const action = decided({ named: { path: "/opt/mine" }, found: [{ path: "/usr/bin/chromium" }], install: "0" })
    assertEqual(action, { _tag: "Use", path: "/opt/mine" })
  })

  it("is the first that runs of those that are found", () => {
    const found = [{ path: "/snap/stub", problem: "does not run" }, { path: "/usr/bin/chromium" }, { path: "/chrome" }]
    assertEqual(decided({ found, apt: "root" }), { _tag: "Use", path: "/usr/bin/chromium" })
  })

  it("is an error that names CHROMIUM if that leads to nothing, even if another browser is there", () => {
    const named = { path: "/nowhere", problem: "does not exist or is not an executable file" }
    assert.strictEqual(
      message({ named, found: [{ path: "/usr/bin/chromium" }], apt: "root" }),
      "CHROMIUM is /nowhere, which does not exist or is not an executable file: " +
        "set it to the path of Chromium or Chrome, or unset it."
    )
  })
})

describe("what is installed without a browser", () => {
  it("is Debian's package, as root", () => {
    const { announcement, commands } = installs({ apt: "root" })
    assertEqual(commands.map(({ argv }) => argv.slice(0, 6).join(" ")), [
      "env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq update",
      "env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq install"
    ])
    assert.includeMembers([...commands[1]?.argv ?? []], ["-y", "--no-install-recommends", "chromium"])
    assert.include(announcement, "apt-get install -y --no-install-recommends chromium")
    assert.include(announcement, "AGENTCORE_TEST_INSTALL=0 turns this off")
    assert.notInclude(announcement, "sudo")
  })

  it("is Debian's package through sudo, which asks for no password", () => {
    const { announcement, commands } = installs({ apt: "sudo", install: "1" })
    for (const { argv } of commands) assert.strictEqual(argv.slice(0, 3).join(" "), "sudo -n env")
    assert.include(announcement, "with sudo")
  })

  it("is Playwright's download if apt-get is missing or may not be used", () => {
    const { announcement, commands } = installs({})
    assertEqual(commands.map(({ argv }) => argv.join(" ")), [
      "playwright-core install --no-shell chromium"
    ])
    assert.include(announcement, "AGENTCORE_TEST_INSTALL=0 turns this off")
  })

  it("is Playwright's download if apt-get failed, and the announcement says how", () => {
    const { announcement, installer } = installs({ apt: "root", attempts: [aptFailed] })
    assert.strictEqual(installer, "playwright")
    assert.include(announcement, "`apt-get install` ended with exit code 100 (E: Unable to locate package chromium)")
  })

  it("is nothing if AGENTCORE_TEST_INSTALL is 0 or false, and one line says what to do", () => {
    for (const install of ["0", "false"]) {
      assert.strictEqual(
        message({ apt: "root", install }),
        "The browser tests need Chromium or Chrome, and none was found; " +
          `AGENTCORE_TEST_INSTALL=${install} forbids installing it. ` +
          "Install Chromium or Chrome, or set CHROMIUM to the path of one."
      )
    }
  })

  it("is decided as by default if AGENTCORE_TEST_INSTALL is empty, 1 or true", () => {
    for (const install of ["", "1", "true"]) assert.strictEqual(installs({ install }).installer, "playwright")
  })

  it("is an error that names AGENTCORE_TEST_INSTALL if its value is unknown", () => {
    assert.strictEqual(
      message({ install: "never" }),
      "AGENTCORE_TEST_INSTALL is \"never\": set it to 0 (install no browser) or 1 (the default)."
    )
  })

  it("is nothing more once every installer failed, and one line has the exit codes and the remedy", () => {
    assert.strictEqual(
      message({ apt: "root", attempts: [aptFailed, playwrightFailed] }),
      "The browser tests need Chromium or Chrome, and none was found, and installing it failed: " +
        "`apt-get install` ended with exit code 100 (E: Unable to locate package chromium); " +
        "`playwright-core install` ended with exit code 1 (Error: Download failure, code=1). " +
        "Install Chromium or Chrome, or set CHROMIUM to the path of one."
    )
  })

  it("fails with the reason why an installed browser does not run", () => {
    const found = [{ path: "/cache/chrome", problem: "does not run (exit code 127:\n libnss3.so is missing)" }]
    const text = message({ found, attempts: [{ installer: "playwright", failures: [] }] })
    assert.include(text, "(/cache/chrome does not run (exit code 127: libnss3.so is missing))")
    assert.include(text, "playwright ended with exit code 0 but left no browser that runs")
  })
})

/** A machine on which commands do what the test says; undefined is success. */
const machine = (run: (name: string, installed: (path: string) => void) => number | undefined) => {
  const lines: Array<string> = []
  const commands: Array<string> = []
  let found: Facts["found"] = []
  const host: Host = {
    log: (line) => lines.push(line),
    facts: async () => ({ named: undefined, found, install: undefined, apt: "root" }),
    run: async ({ name }: Command) => {
      commands.push(name)
      const code = run(name, (path) => found = [{ path }])
      return code === undefined ? undefined : { command: name, code, line: "E: it\nfailed" }
    }
  }
  return { host, lines, commands }
}

const rejected = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return assert.fail("nothing was thrown")
}

describe("the installation", () => {
  it("announces in one line what it installs, and gives the browser that is there afterwards", async () => {
    const { commands, host, lines } = machine((name, installed) => {
      if (name === "apt-get install") installed("/usr/bin/chromium")
      return undefined
    })
    assert.strictEqual(await ensure(host), "/usr/bin/chromium")
    assertEqual(commands, ["apt-get update", "apt-get install"])
    assert.strictEqual(lines.length, 1)
  })

  it("installs although `apt-get update` fails, which one broken source is enough for", async () => {
    const { host } = machine((name, installed) => {
      if (name === "apt-get install") installed("/usr/bin/chromium")
      return name === "apt-get update" ? 100 : undefined
    })
    assert.strictEqual(await ensure(host), "/usr/bin/chromium")
  })

  it("uses what a parallel run installed although its own installation failed", async () => {
    const { commands, host } = machine((name, installed) => {
      if (name === "apt-get install") installed("/usr/bin/chromium")
      return 100
    })
    assert.strictEqual(await ensure(host), "/usr/bin/chromium")
    assertEqual(commands, ["apt-get update", "apt-get install"])
  })

  it("tries each installer once without a network, and fails with one line", async () => {
    const { commands, host, lines } = machine((name) => name.startsWith("apt-get") ? 100 : 1)
    const text = await rejected(ensure(host))
    assertEqual(commands, ["apt-get update", "apt-get install", "playwright-core install"])
    assert.include(text, "`apt-get install` ended with exit code 100 (E: it failed)")
    assert.include(text, "`playwright-core install` ended with exit code 1 (E: it failed)")
    for (const line of [text, ...lines]) assert.notInclude(line, "\n")
  })
})

it("a test file that starts a browser is one of those for which a browser is prepared", () => {
  const folder = new URL(".", import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"))
  const starting = files.filter((name) =>
    /\blaunch\b[^}]*\} from "\.\/support\/browser\.js"/.test(readFileSync(new URL(name, folder), "utf8"))
  )
  assert.isAbove(starting.length, 2)
  for (const name of starting) assert.isTrue(isBrowserTest(`/anywhere/test/${name}`), `rename ${name} to browser*`)
  assert.isFalse(isBrowserTest("/anywhere/browser/test/check.test.ts"))
})
