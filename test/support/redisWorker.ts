/** A process with a cache, a ledger and a signal in Redis. It runs the commands on its standard input, one JSON value per line. */
import { Effect, Layer, Redacted, Stream } from "effect"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import * as AwsIdentity from "../../src/AwsIdentity.js"
import * as Consent from "../../src/Consent.js"
import * as ConsentSeal from "../../src/ConsentSeal.js"
import * as Credential from "../../src/Credential.js"
import { IdentityService } from "../../src/IdentityService.js"
import * as Redis from "../../src/Redis.js"
import * as TokenCache from "../../src/TokenCache.js"
import * as TokenPoller from "../../src/TokenPoller.js"

const [endpoint = "", url = "", key = ""] = process.argv.slice(2)

// A loaded machine does not reply within the default time limit.
const Live = TokenCache.layer({ timeToLive: "20 seconds", jitter: 0, refresh: 0.5, workloadAccessTokens: "1 hour" })
  .pipe(
    Layer.provide(AwsIdentity.layer({
      region: "us-east-1",
      dataEndpoint: endpoint,
      controlEndpoint: endpoint,
      credentials: { accessKeyId: "test", secretAccessKey: "test" }
    })),
    Layer.provideMerge(
      Layer.mergeAll(Redis.layerTokenStore({ timeLimit: "2 seconds" }), Redis.layerLedger, Redis.layerSignal)
    ),
    Layer.provide(Redis.layer({ url })),
    Layer.provideMerge(ConsentSeal.layer({ keys: [{ id: "test", key: Redacted.make(key) }] }))
  )

const say = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))

export type Command =
  | { readonly get: ReadonlyArray<string>; readonly token: string }
  | { readonly wait: string; readonly token: string }
  | { readonly complete: string }
  | { readonly resume: string; readonly token: string }
  | { readonly invalidate: string }

const run = Effect.fnUntraced(function*(command: Command) {
  const identity = yield* IdentityService
  if ("get" in command) {
    const request = {
      providerName: "github",
      scopes: command.get,
      authFlow: "M2M",
      workloadAccessToken: Redacted.make(command.token)
    } as const
    // Ten calls at once, as parallel tools.
    const tokens = yield* Effect.all(Array.from({ length: 10 }, () => identity.getToken(request)), {
      concurrency: "unbounded"
    })
    return [...new Set(tokens.map(Redacted.value))].join()
  }
  if ("wait" in command) {
    return yield* Effect.as(
      identity.getToken({
        providerName: "github",
        scopes: [command.wait],
        authFlow: "USER_FEDERATION",
        callbackUrl: "https://app.example/return",
        workloadAccessToken: Redacted.make(command.token),
        consent: Consent.wait({
          onAuthUrl: (_, { sessionUri }) => say(Redacted.value(sessionUri)),
          tokenPoller: TokenPoller.completionOnly
        })
      }),
      "token"
    )
  }
  if ("complete" in command) {
    return yield* Effect.as(
      identity.completeResourceTokenAuth({ sessionUri: command.complete, userIdentifier: Credential.userId("ada") }),
      "completed"
    )
  }
  if ("resume" in command) {
    return yield* Effect.as(
      identity.resume(Redacted.make(command.resume), {
        workloadAccessToken: Redacted.make(command.token),
        wait: false
      }),
      "token"
    )
  }
  return yield* Effect.as(
    (yield* TokenCache.TokenCache).invalidate({ providerName: command.invalidate }),
    "invalidated"
  )
})

const program = Effect.gen(function*() {
  yield* say("ready")
  yield* Stream.runForEach(
    Stream.orDie(Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (error) => error)),
    (line) =>
      run(JSON.parse(line)).pipe(
        Effect.catchAll((error) =>
          Effect.succeed(error._tag === "HandleRejected" ? error.reason : `${error._tag} ${JSON.stringify(error)}`)
        ),
        Effect.flatMap(say),
        Effect.fork
      )
  )
})

Effect.runFork(Effect.provide(program, Live))
