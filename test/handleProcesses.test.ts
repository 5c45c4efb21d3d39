import { assert, it } from "@effect/vitest"
import { Array as Arr, Effect, Layer, Order, Redacted } from "effect"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as Consent from "../src/Consent.js"
import * as ConsentSeal from "../src/ConsentSeal.js"
import { agent, asUser } from "./support/agent.js"
import { consents, required } from "./support/consenting.js"
import { assertEqual } from "./support/equality.js"
import { temporaryDirectory } from "./support/ledgerContract.js"
import { layer as overHttp, origin } from "./support/server.js"

const rounds = 200

const key = randomBytes(32).toString("base64")

/** Starts a process, and ends it with the scope. `send` writes a line, and `next` returns the next line of its output. */
const start = (args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const process_ = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] })
      const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]()
      return {
        send: (line: string) => process_.stdin.write(`${line}\n`),
        next: Effect.promise(async () => String((await lines.next()).value)),
        kill: () => process_.kill("SIGKILL")
      }
    }),
    ({ kill }) => Effect.sync(kill)
  )

it.scopedLive(
  `one handle that three processes resume at the same instant gives one token, in ${rounds} rounds`,
  () =>
    Effect.gen(function*() {
      const home = yield* temporaryDirectory
      const worker = join(home, "resuming.mjs")
      yield* Effect.promise(() =>
        build({
          entryPoints: [fileURLToPath(new URL("support/resuming.ts", import.meta.url))],
          outfile: worker,
          bundle: true,
          packages: "external",
          platform: "node",
          format: "esm",
          logLevel: "error"
        })
      )
      symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(home, "node_modules"))
      const args = [worker, yield* origin, join(home, "consents"), key]
      const processes = yield* Effect.all([start(args), start(args), start(args)])
      for (const { next } of processes) assert.strictEqual(yield* next, "ready")

      const { identity, workloadAccessToken } = yield* agent
      const handles = yield* Effect.forEach(
        Arr.range(1, rounds),
        (round) =>
          required(
            identity.getToken({ ...asUser, scopes: [`scope-${round}`], workloadAccessToken, consent: Consent.suspend })
          ).pipe(
            Effect.tap((consent) => consents(consent)),
            Effect.map(({ handle = Redacted.make("none") }) => Redacted.value(handle))
          ),
        { concurrency: 8 }
      )
      for (const [round, handle] of handles.entries()) {
        for (const { send } of processes) send(`${handle} ${Redacted.value(workloadAccessToken)}`)
        const outcomes = yield* Effect.forEach(processes, ({ next }) => next)
        assertEqual(Arr.sort(outcomes, Order.string), ["Replayed", "Replayed", "token"], `round ${round}`)
      }
    }).pipe(
      Effect.provide(Layer.merge(ConsentSeal.layer({ keys: [{ id: "test", key: Redacted.make(key) }] }), overHttp))
    ),
  120_000
)
