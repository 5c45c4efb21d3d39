/** A process that writes without pause and prints the acknowledged changes until it is killed. */
import { Effect, Either, Redacted } from "effect"
import { readFileSync, writeSync } from "node:fs"
import { IdentityApi } from "../../src/IdentityApi.js"
import * as StoredIdentity from "../../src/StoredIdentity.js"

const [directory = "", acknowledgements = "", round = ""] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))

/** The entries that exist according to the printed lines. */
const expected = () => {
  const names = new Map<string, "there" | "gone" | "open">()
  const tokens: Array<readonly [name: string, token: string]> = []
  const keys = new Map<string, number>()
  for (const line of readFileSync(acknowledgements, "utf8").split("\n").slice(0, -1)) {
    const [what = "", name = "", value = ""] = line.split(" ")
    if (what === "created") names.set(name, "there")
    if (what === "deleting") names.set(name, "open")
    if (what === "deleted") names.set(name, "gone")
    if (what === "token") tokens.push([name, value])
    if (what === "key") keys.set(name, Number(value))
  }
  return { names, tokens, keys }
}

/** Checks that every acknowledged identity, key and token exists and is valid, and that no deleted one exists. */
const check = Effect.gen(function*() {
  const api = yield* IdentityApi
  const { keys, names, tokens } = expected()
  for (const [name, status] of names) {
    if (status === "open") continue
    const workload = yield* Effect.either(api.getWorkloadIdentity({ name }))
    if (Either.isRight(workload) !== (status === "there")) yield* say(`wrong ${name}: not ${status}`)
  }
  for (const [name, token] of tokens) {
    if (names.get(name) !== "there") continue
    const resourceCredentialProviderName = `key-${name.split("-")[1]}`
    const got = yield* Effect.either(
      api.getResourceApiKey({ workloadIdentityToken: Redacted.make(token), resourceCredentialProviderName })
    )
    const least = keys.get(resourceCredentialProviderName) ?? 0
    if (Either.isLeft(got) || !(Number(Redacted.value(got.right.apiKey)) >= least)) {
      yield* say(`wrong token of ${name}, or key before ${least}`)
    }
  }
  return yield* say("checked")
})

const write = (writer: number) =>
  Effect.gen(function*() {
    const api = yield* IdentityApi
    const provider = `key-${writer}`
    const key = (n: number) => ({ name: provider, apiKey: Redacted.make(String(Number(round) * 1e6 + n)) })
    yield* Effect.ignore(api.createApiKeyCredentialProvider(key(0)))
    for (let n = 1;; n++) {
      const name = `r${round}-${writer}-${n}`
      yield* api.createWorkloadIdentity({ name })
      yield* say(`created ${name}`)
      yield* api.updateApiKeyCredentialProvider(key(n))
      yield* say(`key ${provider} ${Number(round) * 1e6 + n}`)
      const { workloadAccessToken } = yield* api.getWorkloadAccessToken({ workloadName: name })
      yield* say(`token ${name} ${Redacted.value(workloadAccessToken)}`)
      if (n % 4 !== 0) {
        yield* say(`deleting ${name}`)
        yield* api.deleteWorkloadIdentity({ name })
        yield* say(`deleted ${name}`)
      }
    }
  })

const program = Effect.zipRight(check, Effect.forEach([0, 1, 2, 3], write, { concurrency: "unbounded" }))

Effect.runFork(
  program.pipe(
    Effect.provide(StoredIdentity.layerApi({ directory })),
    Effect.catchAllCause((cause) => say(`failed ${String(cause).replaceAll("\n", " ")}`))
  )
)
