import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option, Redacted } from "effect"
import { usageMessage } from "../src/cli/help.js"
import * as Input from "../src/cli/input.js"
import * as LocalServer from "../src/cli/localServer.js"
import { quoted } from "../src/cli/quoted.js"
import { answering } from "./support/answering.js"
import { assertEqual } from "./support/equality.js"

const reading = (bytes: Uint8Array) =>
  Input.secret("key.txt", "the key").pipe(
    Effect.provide(FileSystem.layerNoop({ readFile: () => Effect.succeed(bytes) }))
  )

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"))

describe("a secret in a file", () => {
  it.effect("is read exactly, without a byte order mark and the last line end", () =>
    Effect.gen(function*() {
      assertEqual(yield* reading(bytesOf("\xef\xbb\xbfk\xc3\xa4y\r\n")), Redacted.make("käy"))
    }))

  it.effect("that is not UTF-8 is rejected, since a replaced character would change it", () =>
    Effect.gen(function*() {
      const { message, reason } = yield* Effect.flip(reading(bytesOf("canary\xff\xfe")))
      assertEqual([reason, message], ["InputInvalid", "the file key.txt is not UTF-8 text"])
    }))
})

describe("an argument in a message", () => {
  it("is quoted, unless it may be a secret or is long", () => {
    assert.strictEqual(quoted("m2n"), "'m2n'")
    for (
      const text of [
        "urn:ietf:params:oauth:request_uri:canary",
        "eyJhbGciOiJSUzI1NiJ9.canary",
        "https://app.example/back?session_id=canary",
        "x".repeat(129)
      ]
    ) assert.strictEqual(quoted(text), `a value of ${text.length} characters`)
  })

  it("that is unknown and may be a secret is not quoted", () => {
    const uri = "urn:ietf:params:oauth:request_uri:canary"
    assert.strictEqual(
      usageMessage([], [uri], [`Received unknown argument: '${uri}'`]),
      `unknown command a value of ${uri.length} characters (for help, run 'agentcore-identity --help')`
    )
  })

  it.effect("that is a secret in place of a file does not appear", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Effect.provide(Input.text("eyJcanary"), FileSystem.layerNoop({}))
      )
      assert.strictEqual(
        error.message,
        "the file that the argument names cannot be read: check its path and its permissions"
      )
    }))
})

const session = (id: number) => ({
  id,
  status: "pending",
  workloadName: "my-agent",
  user: "userId:ada",
  providerName: "github",
  scopes: [],
  createdAt: "",
  expiresAt: ""
})

const sessionsOf = (respond: (skip: number) => string) =>
  Effect.gen(function*() {
    const { origin, paths } = yield* answering((request, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      response.end(respond(Number(new URL(request.url ?? "", "http://localhost").searchParams.get("skip"))))
    })
    const { sessions } = yield* LocalServer.connect({ endpoint: Option.some(origin) })
    return { answer: yield* Effect.either(sessions), paths }
  })

describe("the sessions of a local server", () => {
  it.scopedLive("are read in pages, from the newest, until all are there", () =>
    Effect.gen(function*() {
      const all = Array.from({ length: 7 }, (_, index) => session(index + 1))
      const { answer, paths } = yield* sessionsOf((skip) =>
        JSON.stringify({ total: 7, sessions: all.slice(Math.max(0, 7 - skip - 3), 7 - skip) })
      )
      assertEqual(Either.map(answer, (found) => found.map(({ id }) => id)), Either.right([1, 2, 3, 4, 5, 6, 7]))
      assert.lengthOf(paths, 3)
    }))

  it.scopedLive("are not read from a server that answers more than 2 MiB", () =>
    Effect.gen(function*() {
      const { answer } = yield* sessionsOf(() => " ".repeat(2_097_153))
      assert.isTrue(Either.isLeft(answer))
      assert.include(Either.isLeft(answer) ? answer.left.message : "", "is not a local server of this command")
    }))
})
