import { HttpServer } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import type { ServerResponse } from "node:http"
import * as AwsIdentity from "../src/AwsIdentity.js"
import * as IdentityApi from "../src/IdentityApi.js"
import * as IdentityServer from "../src/IdentityServer.js"
import * as MemoryIdentity from "../src/MemoryIdentity.js"
import { answering } from "./support/answering.js"
import { application, begun, browser, completions, nothingAllowed, over } from "./support/binding.js"
import { credentials } from "./support/canaries.js"
import { origin, Port } from "./support/server.js"

/** The response that a proxy sends instead of the response to a completion. */
type Instead = (response: ServerResponse) => void

/** The service over HTTP, behind a proxy that responds to completions itself until it has sent all its responses. */
const behind = (instead: Array<Instead>) => {
  const Client = Layer.unwrapScoped(Effect.gen(function*() {
    const service = yield* origin
    const proxy = yield* answering((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const answer = request.url === IdentityApi.operations.completeResourceTokenAuth.path
          ? instead.shift()
          : undefined
        if (answer !== undefined) return answer(response)
        const { authorization = "", "content-type": type = "" } = request.headers
        const body = Buffer.concat(chunks)
        void fetch(`${service}${request.url}`, {
          method: "POST",
          headers: { authorization, "content-type": type },
          body
        })
          .then(async (answer) =>
            response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
          )
      })
    })
    return AwsIdentity.layerApi({
      region: "us-east-1",
      dataEndpoint: proxy.origin,
      controlEndpoint: proxy.origin,
      credentials,
      requestTimeout: Duration.infinity
    })
  }))
  const server = HttpServer.serve(IdentityServer.make()).pipe(
    Layer.provideMerge(MemoryIdentity.layerApi()),
    Layer.provideMerge(Port)
  )
  return over(Layer.orDie(Client.pipe(Layer.provideMerge(server))))
}

const html = { "content-type": "text/html" }

const answers: ReadonlyArray<readonly [title: string, instead: Instead]> = [
  ["a login page", (response) => response.writeHead(200, html).end("<html>Sign in</html>")],
  ["an empty page", (response) => response.writeHead(200, html).end()],
  ["nothing", (response) => response.writeHead(204).end()],
  ["half an object", (response) => response.writeHead(200, { "content-type": "application/json" }).end("{\"a\"")],
  ["a list", (response) => response.writeHead(200, { "content-type": "application/json" }).end("[]")],
  [
    "an error of its own in JSON",
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("{\"error\":\"login\"}")
  ],
  ["half a page", (response) => {
    response.writeHead(200, { ...html, "content-length": "100" })
    response.write("<html>", () => response.destroy())
  }]
]

describe("the return page, when a proxy responds instead of the service", () => {
  for (const [title, instead] of answers) {
    it.effect(`reports ${title} as a failure, and the same browser may try again`, () =>
      Effect.gen(function*() {
        const { ada, back } = yield* begun(yield* application)
        for (let turn = 0; turn < 2; turn++) {
          const failed = yield* ada.open(back.href)
          assert.strictEqual(failed.status, 502)
          assert.include(failed.body, "The request could not be completed")
          assert.notInclude(failed.body, "The consent was approved")
          assert.notInclude(failed.body, "Sign in")
          yield* nothingAllowed
        }
        const ended = yield* ada.open(back.href)
        assert.strictEqual(ended.status, 200, ended.body)
        assert.include(ended.body, "The consent was approved")
        assert.strictEqual(yield* completions, 1)
        assert.strictEqual((yield* ada.open(back.href)).status, 409)
      }).pipe(Effect.provide(behind([instead, instead]))))
  }

  it.effect("rejects another browser at the second attempt", () =>
    Effect.gen(function*() {
      const app = yield* application
      const { ada, back } = yield* begun(app)
      assert.strictEqual((yield* ada.open(back.href)).status, 502)
      assert.strictEqual((yield* browser(app, "ada").open(back.href)).status, 403)
      yield* nothingAllowed
    }).pipe(Effect.provide(behind([(response) => response.writeHead(200, html).end("<html></html>")]))))
})
