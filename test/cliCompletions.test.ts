import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { afterAll, beforeAll } from "vitest"
import { entries } from "../src/cli/command.js"
import { read } from "../src/cli/helpDoc.js"
import * as Cli from "./support/cli.js"
import { assertEqual } from "./support/equality.js"

describe("agentcore-identity --completions", { timeout: 60_000 }, () => {
  let cli: Awaited<ReturnType<typeof Cli.bundle>>
  let script: string

  beforeAll(async () => {
    cli = await Cli.bundle()
    script = (await cli.start(["--completions", "bash"]).ended).stdout
  }, 60_000)

  afterAll(() => cli.remove())

  /** The completions of the last word, as bash finds them: by the function that the script registers for the program. */
  const complete = (line: string, program = "agentcore-identity") => {
    const words = [program, ...line.split(" ")]
    const { status, stderr, stdout } = spawnSync("bash", [
      "--norc",
      "-c",
      [
        script,
        `spec=$(complete -p ${program}) || exit 3`,
        "[[ $spec =~ -F\\ ([^ ]+) ]] || exit 4",
        "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()",
        "\"${BASH_REMATCH[1]}\" \"$1\" \"${!#}\" \"\"",
        "printf '%s\\n' \"${COMPREPLY[@]}\""
      ].join("\n"),
      "bash",
      ...words
    ], { encoding: "utf8" })
    assertEqual([status, stderr], [0, ""], line)
    return stdout.split("\n").filter((word) => word !== "")
  }

  it("completes a command, a subcommand and its options in bash", () => {
    assertEqual(complete("pro"), ["providers"])
    assertEqual(complete("providers up"), ["update-oauth2", "update-api-key", "update-payment"])
    assertEqual(complete("api-key --pro"), ["--provider"])
    assertEqual(complete("providers update-oauth2 --fi"), ["--file"])
    assertEqual(complete("token --provider github --fl"), ["--flow"])
    assertEqual(complete("workloads get --name my-agent --re"), ["--region"])
  })

  it("completes the values of an option, and leaves other values to the shell", () => {
    assertEqual(complete("providers get --kind a"), ["api-key"])
    assertEqual(complete("token --flow "), ["m2m", "user", "obo"])
    assertEqual(complete("--completions z"), ["zsh"])
    assertEqual(complete("serve --log-level d"), ["debug"])
    assertEqual(complete("providers create-oauth2 --file "), [])
  })

  it("completes every command, and every option of it", () => {
    for (const { command, subcommands } of entries) {
      const { name, options } = read(command)
      assert.include(complete(name.slice(0, -1)), name)
      for (const child of subcommands.map(read)) {
        assert.include(complete(`${name} ${child.name.slice(0, -1)}`), child.name)
        assertEqual(complete(`${name} ${child.name} -`), [...child.options.map(({ name }) => name), "--help"])
      }
      if (subcommands.length === 0) {
        assertEqual(complete(`${name} -`), [...options.map(({ name }) => name), "--help"])
      }
    }
  })

  it("is registered for both names of the command", () => {
    assertEqual(complete("workl", "effect-agentcore-identity"), ["workload-token", "workloads"])
  })

  it("offers no option that the help does not describe", () => {
    for (const word of ["--wizard", "--w", "-"]) {
      for (const path of ["", "serve ", "providers ", "providers list "]) {
        assert.notInclude(complete(path + word), "--wizard")
        if (path !== "serve ") assert.notInclude(complete(path + word), "--log-level")
      }
    }
  })

  it("rejects another shell, and another argument", async () => {
    for (const args of [["--completions", "tcsh"], ["--completions"], ["--completions", "fish"]]) {
      const { code, stderr, stdout } = await cli.start(args).ended
      assertEqual([code, stdout], [64, ""])
      assert.include(stderr, "UsageInvalid: --completions: expected one of bash, sh, zsh")
    }
    const { code, stderr } = await cli.start(["workloads", "list", "--completions", "bash"]).ended
    assertEqual([code, stderr.split(" (")[0]], [64, "UsageInvalid: unknown argument '--completions'"])
  })

  it("prints for zsh the script of bash, with the means to run it", async () => {
    const { code, stdout } = await cli.start(["--completions=zsh"]).ended
    assert.strictEqual(code, 0)
    assert.strictEqual(
      stdout,
      "#compdef agentcore-identity effect-agentcore-identity\n" +
        `autoload -U +X bashcompinit && bashcompinit\n\n${script}`
    )
  })
})
