/**
 * Seals what leaves the program for a while, so that nobody can read or change it on the way.
 *
 * A program that runs on more than one machine, or that is started anew while people make up their minds, gives all its
 * copies the same keys: `openssl rand -base64 32` makes one.
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

/**
 * Seals and opens. A sealed text is good for the purpose it was sealed for only: a handle is no ledger entry.
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
 * A key and its name. The name, 1 to 64 letters, digits, `_` and `-`, is readable in what the key sealed; the key is 32
 * bytes in base64 or base64url.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  readonly id: string
  readonly key: Redacted.Redacted
}

/**
 * The keys of a seal. The first seals and all open: to change keys, put the new one in front, and take the old one out
 * when nothing that it sealed is in use any more. At most 100 keys.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly keys: Arr.NonEmptyReadonlyArray<Key>
}

const version = "v1"

/** Of what comes in, in characters: nobody makes the program decrypt more than that. */
const maxLength = 64 * 1024

/** Version, key id, a nonce of 12 bytes, and the encrypted text with its tag of 16 bytes. */
const sealedPattern = /^v1\.([\w-]{1,64})\.([\w-]{16})\.([\w-]{22,})$/

/** The last character of base64 has bits that say nothing. Only the one way of writing them is taken. */
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
        const iv = sealKeys.randomBytes(12)
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
        // Better now, where the text comes from, than when somebody comes back with what nothing opens.
        return sealed.length > maxLength
          ? yield* Effect.dieMessage(`ConsentSeal: sealed, the text has more than ${maxLength} characters`)
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
          // What the platform says of it is nothing but that it failed.
          catch: () => rejected("Changed")
        })
        return Redacted.make(sealText.fromBytes(opened))
      })
    })
  })

/**
 * A new key: 32 random bytes in base64, for `Key.key`. On a command line, `openssl rand -base64 32` makes the same.
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
  Redacted.make(Encoding.encodeBase64(sealKeys.randomBytes()))
)

/**
 * Keys from one variable, for {@link layerConfig}: `id:key,id:key`, the newest first.
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
  // The name around all of it, so that every failure has it.
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
 * Seals with AES-256-GCM. A key or an id that is none, or an id that two keys have, is a `ConfigError` that says which
 * and never what the key is. A text too long to be opened again, of about 48 KiB, is a defect.
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
 * Seals with the keys of `Config`; without an argument, with those of `AGENTCORE_IDENTITY_SEAL_KEYS`, which is
 * `id:key,id:key`, the newest first. A key is what `openssl rand -base64 32` prints.
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
 * Seals with a random key that nobody ever sees, for development and tests: what it seals is opened by the program that
 * it is provided to, and neither by another nor by the same one when it is started again.
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
    // An id of its own, so that what another program sealed is foreign here, and not changed.
    make([{ id: Encoding.encodeBase64Url(sealKeys.randomBytes(12)), bytes: Redacted.make(sealKeys.randomBytes()) }])
  )
)
