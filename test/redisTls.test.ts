import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as ConsentLedger from "../src/ConsentLedger.js"
import * as Redis from "../src/Redis.js"
import * as TokenCache from "../src/TokenCache.js"
import { privateAuthority } from "./fixtures/privateAuthority.js"
import { assertEqual } from "./support/equality.js"
import { connection, freePort, seal, server } from "./support/redis.js"
import { temporary } from "./support/temporary.js"

/** A server with a certificate of a private authority. */
const overTls = Effect.gen(function*() {
  const home = yield* temporary
  const port = yield* Effect.promise(freePort)
  const file = (name: "authority" | "cert" | "key") => {
    const path = join(home, name)
    writeFileSync(path, privateAuthority[name])
    return path
  }
  const { url } = yield* server(
    "--tls-port",
    `${port}`,
    "--tls-auth-clients",
    "no",
    "--tls-cert-file",
    file("cert"),
    "--tls-key-file",
    file("key"),
    "--tls-ca-cert-file",
    file("authority")
  )
  return { withoutTls: url, host: `127.0.0.1:${port}` }
})

/** Reads from a ledger and searches a store, with the messages that are logged. */
const used = (url: string, certificateAuthorities?: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      lines.push(String(message))
    })
    const context = yield* Layer.build(
      Layer.merge(Redis.layerLedger, Redis.layerTokenStore()).pipe(
        Layer.provide(
          connection(url, { certificateAuthorities, connectTimeout: "300 millis", commandTimeout: "500 millis" })
        ),
        Layer.provide(seal),
        Layer.provide(Logger.replace(Logger.defaultLogger, logger))
      )
    )
    const read = yield* Effect.exit(Context.get(context, ConsentLedger.ConsentLedger).get("key"))
    const store = Context.get(context, TokenCache.SharedStore)
    const found = store === undefined ? "no store" : yield* Effect.match(store.find({ key: "key", tags: ["key"] }), {
      onFailure: ({ _tag }) => _tag,
      onSuccess: ({ _tag }) => _tag
    })
    return { isRead: Exit.isSuccess(read), found, lines }
  }))

describe("Redis by TLS", () => {
  it.scopedLive("is used if its authority is trusted, by a host name and by an address", () =>
    Effect.gen(function*() {
      const { host } = yield* overTls
      const expected = { isRead: true, found: "Leased", lines: [] }
      const authorities = [privateAuthority.otherAuthority, privateAuthority.authority]
      assertEqual(yield* used(`rediss://${host}`, authorities), expected)
      assertEqual(yield* used(`rediss://${host.replace("127.0.0.1", "localhost")}/0`, authorities), expected)
    }), 20_000)

  it.scopedLive(
    "is not used if the certificate is not trusted or TLS does not match, and one warning states why",
    () =>
      Effect.gen(function*() {
        const { host, withoutTls } = yield* overTls
        const cases: ReadonlyArray<readonly [string, ReadonlyArray<string> | undefined, RegExp]> = [
          [`rediss://${host}`, undefined, /\(SELF_SIGNED_CERT_IN_CHAIN\)/],
          [`rediss://${host}`, [privateAuthority.otherAuthority], /\(SELF_SIGNED_CERT_IN_CHAIN\)/],
          [withoutTls.replace("redis:", "rediss:"), [privateAuthority.authority], /ETIMEDOUT/],
          [`redis://${host}`, undefined, /the connection was closed|ECONN/]
        ]
        for (const [url, authorities, expected] of cases) {
          const { found, isRead, lines } = yield* used(url, authorities)
          assertEqual([isRead, found, lines.length], [false, "StoreUnavailable", 1], `${url} ${lines.join()}`)
          assert.match(lines[0] ?? "", expected)
        }
      }),
    30_000
  )

  it.effect("is not used if a certificate authority is not one, and the error does not contain the text", () =>
    Effect.gen(function*() {
      const url = Redacted.make("rediss://localhost")
      const exit = yield* Effect.exit(
        Effect.scoped(Layer.build(Redis.layer({ url, certificateAuthorities: [privateAuthority.key] })))
      )
      assert.include(String(exit), "certificateAuthorities[0]")
      assert.notInclude(String(exit), privateAuthority.key.slice(40, 60))
    }))
})
