import { Headers } from "@effect/platform"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { agent } from "./support/agent.js"
import { layer } from "./support/browser.js"
import { ask, jar, tokenOf } from "./support/jar.js"
import { recording } from "./support/recording.js"

it.live("spans and logs do not contain the session, the code or the state of a consent", () =>
  Effect.gen(function*() {
    const { layer: recorded, spans, text } = yield* recording
    const secrets = yield* Effect.gen(function*() {
      yield* agent
      const browser = yield* jar
      const { path, uri } = yield* ask()
      const { text: page } = yield* browser.get(path)
      const sent = yield* browser.form("/identities/oauth2/authorize", { token: tokenOf(page), decision: "allow" })
      const callback = new URL(sent.headers.get("location") ?? "", "http://localhost")
      const back = yield* browser.get(callback.pathname + callback.search)
      assert.strictEqual(back.status, 303)
      return [uri, encodeURIComponent(uri), ...callback.searchParams.values()]
    }).pipe(
      Effect.provide(
        layer.pipe(
          Layer.provide(recorded),
          // As documented in the README.
          Layer.locallyWith(Headers.currentRedactedNames, (names) => [...names, "location"])
        )
      )
    )
    assert.isTrue(spans.some(({ name }) => name.startsWith("http.server")))
    for (const secret of secrets) assert.notInclude(text(), secret)
  }))
