/** A process that resumes the handles on its standard input, one per line, and prints the outcome of each. */
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer, Redacted, Stream } from "effect"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import * as AwsIdentity from "../../src/AwsIdentity.js"
import * as ConsentLedger from "../../src/ConsentLedger.js"
import * as ConsentSeal from "../../src/ConsentSeal.js"
import { IdentityService } from "../../src/IdentityService.js"

const [endpoint = "", directory = "", key = ""] = process.argv.slice(2)

const Live = Layer.mergeAll(
  AwsIdentity.layer({
    region: "us-east-1",
    dataEndpoint: endpoint,
    controlEndpoint: endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" }
  }),
  ConsentSeal.layer({ keys: [{ id: "test", key: Redacted.make(key) }] }),
  ConsentLedger.layerFileSystem(directory).pipe(Layer.provide(NodeContext.layer))
)

const say = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))

const program = Effect.gen(function*() {
  const identity = yield* IdentityService
  yield* say("ready")
  yield* Stream.runForEach(
    Stream.orDie(Stream.fromAsyncIterable(createInterface({ input: process.stdin }), (error) => error)),
    (line) => {
      const [handle = "", workloadAccessToken = ""] = line.split(" ")
      return identity.resume(Redacted.make(handle), {
        workloadAccessToken: Redacted.make(workloadAccessToken),
        wait: false
      }).pipe(
        Effect.as("token"),
        Effect.catchAll((error) => Effect.succeed(error._tag === "HandleRejected" ? error.reason : error._tag)),
        Effect.flatMap(say)
      )
    }
  )
})

Effect.runFork(Effect.provide(program, Live))
