/**
 * Authenticated encryption of resume handles and of consents in progress, which leave the process.
 *
 * Provide the same keys to all instances of a program, and keep them across restarts. `openssl rand -base64 32` generates a
 * key.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { HandleRejected } from "./IdentityError.js"
import * as sealKeys from "./internal/consent/sealKeys.js"
import * as sealText from "./internal/consent/sealText.js"
import { randomBytes } from "./internal/lib/secureToken.js"

/**
 * Seals and opens texts. A sealed text can be opened only for the purpose that it was sealed for.
 *
 * @since 0.1.0
 * @category tags
 */
export class ConsentSeal extends Context.Tag("effect-agentcore-identity/ConsentSeal")<
  ConsentSeal,
  {
    readonly seal: (purpose: string, text: Redacted.Redacted) => Effect.Effect<Redacted.Redacted>
    /** Fails with the reasons `Malformed`, `Changed` and `Foreign`. */
    readonly open: (
      purpose: string,
      sealed: Redacted.Redacted
    ) => Effect.Effect<Redacted.Redacted, HandleRejected>
  }
>() {}

/**
 * A key and its id. The id has 1 to 64 letters, digits, `_` and `-`; sealed texts contain it unencrypted. The key has 32 bytes
 * in base64 or base64url.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  readonly id: string
  readonly key: Redacted.Redacted
}

/**
 * Keys of a seal, at most 100. The first key seals, and all keys open. To rotate keys, add the new one at the front, and
 * remove the old one when no text that it sealed is in use.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly keys: Arr.NonEmptyReadonlyArray<Key>
}

const version = "v1"

/** Limit of the length of a sealed text, in characters. */
const maxLength = 64 * 1024

/** Version, key id, a nonce of 12 bytes, and the encrypted text with its tag of 16 bytes. */
const sealedPattern = /^v1\.([\w-]{1,64})\.([\w-]{16})\.([\w-]{22,})$/

/** Decodes base64url. Rejects an encoding whose unused bits at the end are not zero. */
const decodeBytes = (text: string) =>
  Encoding.decodeBase64Url(text).pipe(
    Option.getRight,
    Option.filter((bytes) => Encoding.encodeBase64Url(bytes) === text),
    Option.map((bytes) => new Uint8Array(bytes))
  )

const algorithm = (purpose: string, id: string, iv: Uint8Array<ArrayBuffer>) => ({
  name: "AES-GCM",
  iv,
  additionalData: new TextEncoder().encode(JSON.stringify([version, id, purpose]))
})

const rejected = (reason: HandleRejected["reason"]) => new HandleRejected({ reason })

const make = (keys: Arr.NonEmptyReadonlyArray<sealKeys.KeyMaterial>): Effect.Effect<ConsentSeal["Type"]> =>
  Effect.gen(function*() {
    const imported = yield* Effect.forEach(keys, ({ bytes, id }) =>
      Effect.map(
        Effect.promise(() =>
          globalThis.crypto.subtle.importKey("raw", Redacted.value(bytes), "AES-GCM", false, ["encrypt", "decrypt"])
        ),
        (key) => ({ id, key })
      ))
    const sealKey = Arr.headNonEmpty(imported)
    const keysById = new Map(imported.map(({ id, key }) => [id, key]))

    return ConsentSeal.of({
      seal: Effect.fnUntraced(function*(purpose, text) {
        const iv = randomBytes(12)
        const body = yield* Effect.promise(() =>
          globalThis.crypto.subtle.encrypt(
            algorithm(purpose, sealKey.id, iv),
            sealKey.key,
            sealText.toBytes(Redacted.value(text))
          )
        )
        const sealed = [
          version,
          sealKey.id,
          Encoding.encodeBase64Url(iv),
          Encoding.encodeBase64Url(new Uint8Array(body))
        ].join(".")
        // Fails here, because `open` would reject the text.
        return sealed.length > maxLength
          ? yield* Effect.dieMessage(
            `ConsentSeal: the sealed text has more than ${maxLength} characters: seal a shorter text`
          )
          : Redacted.make(sealed)
      }),
      open: Effect.fnUntraced(function*(purpose, sealed) {
        const text = Redacted.value(sealed)
        const [, id = "", nonce = "", rest = ""] = (text.length <= maxLength && sealedPattern.exec(text)) || []
        const parts = Option.all([decodeBytes(nonce), decodeBytes(rest)])
        if (id === "" || Option.isNone(parts)) return yield* rejected("Malformed")
        const key = keysById.get(id)
        if (key === undefined) return yield* rejected("Foreign")
        const [iv, body] = parts.value
        const opened = yield* Effect.tryPromise({
          try: () => globalThis.crypto.subtle.decrypt(algorithm(purpose, id, iv), key, body),
          // The error of the platform has no details.
          catch: () => rejected("Changed")
        })
        return Redacted.make(sealText.fromBytes(opened))
      })
    })
  })

/**
 * Generates a key: 32 random bytes in base64. `openssl rand -base64 32` does the same on a command line.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { ConsentSeal } from "effect-agentcore-identity"
 *
 * const SealLive = Layer.unwrapEffect(
 *   Effect.map(ConsentSeal.generateKey, (key) => ConsentSeal.layer({ keys: [{ id: "only", key }] }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const generateKey: Effect.Effect<Redacted.Redacted> = Effect.sync(() =>
  Redacted.make(Encoding.encodeBase64(sealKeys.randomKey()))
)

/**
 * Reads keys from one variable, for {@link layerConfig}: `id:key,id:key`, the newest first.
 *
 * @example
 * ```ts
 * import { ConsentSeal } from "effect-agentcore-identity"
 *
 * const SealLive = ConsentSeal.layerConfig({ keys: ConsentSeal.keys("MY_SEAL_KEYS") })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const keys = (name: string): Config.Config<Arr.NonEmptyReadonlyArray<Key>> =>
  // Nested as a whole, so that every failure contains the name.
  Config.nested(
    Config.mapOrFail(Config.redacted(), (text) => {
      const keys = sealKeys.parse(Redacted.value(text))
      return Either.mapBoth(sealKeys.validate(keys), {
        onLeft: (problem) => ConfigError.InvalidData([], problem),
        onRight: () => keys
      })
    }),
    name
  )

/**
 * Seals with AES-256-GCM. Fails with a `ConfigError` for an invalid or duplicate id and for an invalid key; the error names the
 * key and does not contain it. To seal a text of more than about 48 KiB is a defect.
 *
 * @example
 * ```ts
 * import { Redacted } from "effect"
 * import { ConsentSeal } from "effect-agentcore-identity"
 *
 * export const sealed = (newKey: Redacted.Redacted, oldKey: Redacted.Redacted) =>
 *   ConsentSeal.layer({ keys: [{ id: "2026-07", key: newKey }, { id: "2026-01", key: oldKey }] })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = ({ keys }: Options): Layer.Layer<ConsentSeal, ConfigError.ConfigError> =>
  Layer.effect(
    ConsentSeal,
    Effect.suspend(() =>
      Either.match(sealKeys.validate(keys), {
        onLeft: (problem) => Effect.fail(ConfigError.InvalidData(["keys"], problem)),
        onRight: make
      })
    )
  )

/**
 * Seals with keys from `Config`. Defaults to the variable `AGENTCORE_IDENTITY_SEAL_KEYS`, which is `id:key,id:key`, the newest
 * first. `openssl rand -base64 32` generates a key.
 *
 * @example
 * ```ts
 * import { ConsentSeal } from "effect-agentcore-identity"
 *
 * // AGENTCORE_IDENTITY_SEAL_KEYS="2026-07:$(openssl rand -base64 32)"
 * const SealLive = ConsentSeal.layerConfig()
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<Options> = { keys: keys("AGENTCORE_IDENTITY_SEAL_KEYS") }
): Layer.Layer<ConsentSeal, ConfigError.ConfigError> => Layer.unwrapEffect(Effect.map(Config.unwrap(config), layer))

/**
 * Seals with a random key, for development and tests. Only the same process can open what it seals.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { ConsentLedger, ConsentSeal } from "effect-agentcore-identity"
 *
 * const Development = Layer.merge(ConsentSeal.layerEphemeral, ConsentLedger.layerMemory)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEphemeral: Layer.Layer<ConsentSeal> = /* @__PURE__ */ Layer.effect(
  ConsentSeal,
  Effect.suspend(() =>
    // A random id, so that a text of another program is rejected as `Foreign` and not as `Changed`.
    make([{ id: Encoding.encodeBase64Url(randomBytes(12)), bytes: Redacted.make(sealKeys.randomKey()) }])
  )
)
