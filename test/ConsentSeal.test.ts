import { assert, describe, it, vi } from "@effect/vitest"
import { Array as Arr, Cause, ConfigProvider, Effect, Encoding, Exit, Layer, Redacted } from "effect"
import * as FastCheck from "effect/FastCheck"
import { inspect } from "node:util"
import * as ConsentSeal from "../src/ConsentSeal.js"
import { assertContains } from "./support/equality.js"

const keyOf = (fill: number) => Redacted.make(Encoding.encodeBase64(new Uint8Array(32).fill(fill)))

const one = { id: "one", key: keyOf(1) }
const two = { id: "two", key: keyOf(2) }

const purpose = "resume"

const seal = (text: string, as = purpose) =>
  Effect.map(
    Effect.flatMap(ConsentSeal.ConsentSeal, (seal) => seal.seal(as, Redacted.make(text))),
    Redacted.value
  )

const open = (sealed: string, as = purpose) =>
  Effect.map(
    Effect.flatMap(ConsentSeal.ConsentSeal, (seal) => seal.open(as, Redacted.make(sealed))),
    Redacted.value
  )

const reason = (sealed: string, as = purpose) => Effect.map(Effect.flip(open(sealed, as)), ({ reason }) => reason)

const withKeys = Effect.provide(ConsentSeal.layer({ keys: [one] }))

/** Every way in which a value comes to be printed. */
const printed = (value: unknown) =>
  [
    String(value),
    JSON.stringify(value),
    inspect(value, { depth: 10, showHidden: true }),
    ...(Exit.isExit(value) && Exit.isFailure(value) ? [Cause.pretty(value.cause, { renderErrorCause: true })] : [])
  ].join("\n")

const refusal = <A, E>(layer: Layer.Layer<A, E>) =>
  Effect.map(Effect.exit(Effect.scoped(Layer.build(layer))), (exit) => {
    assert.isTrue(Exit.isFailure(exit) && Cause.isFailType(exit.cause))
    return printed(exit)
  })

const fromVariables = (variables: Readonly<Record<string, string>>) =>
  ConsentSeal.layerConfig().pipe(
    Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))))
  )

/** Texts of at most 8 KiB, half a surrogate pair and a byte order mark among what is in them. */
const texts = FastCheck.oneof(
  FastCheck.string({ unit: "binary", maxLength: 2048, size: "max" }),
  FastCheck.string({
    unit: FastCheck.integer({ min: 0, max: 0xffff }).map((u) => String.fromCharCode(u)),
    maxLength: 4096,
    size: "max"
  }),
  FastCheck.constantFrom("", "\uFEFFtext", "\uD800", "a\uDC00\uD800", "\u0000".repeat(8192), "\uFFFF".repeat(8192))
)

describe("a seal", () => {
  it.effect.prop("opens what it sealed, whatever the text is", [texts], ([text]) =>
    withKeys(Effect.gen(function*() {
      const sealed = yield* seal(text)
      assert.match(sealed, /^v1\.one\.[\w-]{16}\.[\w-]+$/)
      assert.isTrue((yield* open(sealed)) === text)
    })), { fastCheck: { numRuns: 100 } })

  it.effect(
    "opens nothing in which any one character is another, is left out or is added",
    () =>
      withKeys(Effect.gen(function*() {
        const alphabet = [
          ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
          ".",
          "=",
          "+",
          "\n",
          " ",
          "é"
        ]
        // Three lengths, so that base64 ends in each of its ways.
        for (const text of ["abc", "abcd", "abcde"]) {
          const sealed = yield* seal(text)
          // All of the first, and of the others the end, where they differ in kind.
          for (let at = text === "abc" ? 0 : sealed.length - 2; at <= sealed.length; at++) {
            const [before, after] = [sealed.slice(0, at), sealed.slice(at + 1)]
            const changed = [
              before + after,
              ...alphabet.flatMap((c) => [before + c + after, before + c + sealed.slice(at)])
            ]
            for (const other of changed) {
              if (other !== sealed) {
                assert.include(["Malformed", "Changed", "Foreign"], yield* reason(other), `${at}: ${other}`)
              }
            }
          }
          assert.strictEqual(yield* open(sealed), text)
        }
      })),
    30_000
  )

  it.effect("rejects as Changed a text with another key, another nonce or another purpose", () =>
    withKeys(Effect.gen(function*() {
      const [version = "", id = "", iv = "", body = ""] = (yield* seal("text")).split(".")
      const [, , otherIv = "", otherBody = ""] = (yield* seal("text")).split(".")
      assert.strictEqual(yield* reason([version, id, otherIv, body].join(".")), "Changed")
      assert.strictEqual(yield* reason([version, id, iv, otherBody].join(".")), "Changed")
      assert.strictEqual(yield* reason([version, id, iv, body].join("."), "ledger"), "Changed")
      assert.strictEqual(yield* reason([version, id, iv, body].join("."), ""), "Changed")
    })))

  it.effect("rejects as Changed a text with the id of another key of the program", () =>
    Effect.gen(function*() {
      const sealed = yield* seal("text")
      assert.strictEqual(yield* reason(sealed.replace(".one.", ".two.")), "Changed")
      // Neither does the same key under another id open it: the id is sealed with the text.
      const renamed = ConsentSeal.layer({ keys: [{ id: "renamed", key: one.key }] })
      assert.strictEqual(yield* Effect.provide(reason(sealed.replace(".one.", ".renamed.")), renamed), "Changed")
    }).pipe(Effect.provide(ConsentSeal.layer({ keys: [one, two] }))))

  it.effect("rejects as Malformed any text that is not sealed", () =>
    withKeys(Effect.gen(function*() {
      const sealed = yield* seal("text")
      const strange = [
        "",
        ".",
        "...",
        "v1...",
        "v1.one..",
        "v1.one.AAAAAAAAAAAAAAAA.",
        "v1..AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA",
        "v2" + sealed.slice(2),
        ` ${sealed}`,
        `${sealed}\n`,
        `${sealed}=`,
        `${sealed}.`,
        sealed.toUpperCase(),
        "πάντα ῥεῖ",
        "\uD800",
        "\u0000",
        "v1.one.AAAAAAAAAAAAAAAA." + "A".repeat(64 * 1024),
        "v1.".repeat(1_000_000),
        "é".repeat(20_000_000)
      ]
      for (const text of strange) assert.strictEqual(yield* reason(text), "Malformed", text.slice(0, 60))
    })))

  it.effect.prop("fails in its own words for any string", [texts], ([text]) =>
    withKeys(Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(open(text)))._tag, "HandleRejected")
      assert.strictEqual((yield* Effect.flip(open(`v1.one.${text}`)))._tag, "HandleRejected")
    })))

  it.effect("takes a nonce and an encrypted text of its own for every sealing", () =>
    withKeys(Effect.gen(function*() {
      const all = yield* Effect.replicateEffect(seal("text"), 500)
      assert.strictEqual(new Set(all.map((sealed) => sealed.split(".")[2])).size, 500)
      assert.strictEqual(new Set(all.map((sealed) => sealed.split(".")[3])).size, 500)
    })))

  it.effect("to seal a text that is too long to open is a defect", () =>
    withKeys(Effect.gen(function*() {
      const longest = "x".repeat(48 * 1024 - 60)
      assert.strictEqual(yield* open(yield* seal(longest)), longest)
      const exit = yield* Effect.exit(seal("canary".repeat(10_000)))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assert.notInclude(printed(exit), "canary")
    })))

  it.effect("opens and seals texts of up to 65,536 sealed characters", () =>
    withKeys(Effect.gen(function*() {
      // The others are "v1.one.", a nonce of 16, a dot, and 16 bytes of tag.
      const longest = "x".repeat((64 * 1024 - 24) * 3 / 4 - 16)
      const sealed = yield* seal(longest)
      assert.lengthOf(sealed, 64 * 1024)
      assert.isTrue((yield* open(sealed)) === longest)
      const exit = yield* Effect.exit(seal(`${longest}x`))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assert.include(String(exit), "ConsentSeal: the sealed text has more than 65536 characters")
      // One character more of the id, and not of the text.
      const four = ConsentSeal.layer({ keys: [{ ...one, id: "four" }] })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.provide(seal(longest), four))))
    })))

  it.effect("rejects as Malformed a nonce of another length", () =>
    withKeys(Effect.gen(function*() {
      const [version = "", id = "", , body = ""] = (yield* seal("text")).split(".")
      assert.strictEqual(yield* reason([version, id, "A".repeat(16), body].join(".")), "Changed")
      for (const length of [12, 14, 15, 18, 20]) {
        const other = "A".repeat(length)
        assert.strictEqual(yield* reason([version, id, other, body].join(".")), "Malformed")
      }
    })))

  it.effect("results and errors do not print the text", () =>
    withKeys(Effect.gen(function*() {
      const sealer = yield* ConsentSeal.ConsentSeal
      const sealed = yield* sealer.seal(purpose, Redacted.make("canary-text"))
      const opened = yield* sealer.open(purpose, sealed)
      const rejected = yield* Effect.exit(sealer.open("canary-purpose", sealed))
      const malformed = yield* Effect.exit(sealer.open(purpose, Redacted.make("canary-malformed")))
      const all = [sealed, opened, rejected, malformed, sealer, { sealed, opened }].map(printed).join("\n")
      assert.notInclude(all, "canary")
      assert.notInclude(all, Redacted.value(sealed))
      assert.notInclude(Redacted.value(sealed), "canary")
      assert.notInclude(all, Redacted.value(one.key))
    })))
})

describe("the keys of a seal", () => {
  it.effect("may be changed: the old one opens as long as it is there, and is foreign afterwards", () =>
    Effect.gen(function*() {
      const sealed = yield* Effect.provide(seal("text"), ConsentSeal.layer({ keys: [one] }))
      const both = Effect.provide(ConsentSeal.layer({ keys: [two, one] }))
      assert.strictEqual(yield* both(open(sealed)), "text")
      const newer = yield* both(seal("text"))
      assert.match(newer, /^v1\.two\./)
      const removed = Effect.provide(ConsentSeal.layer({ keys: [two] }))
      assert.strictEqual(yield* removed(open(newer)), "text")
      assert.strictEqual(yield* removed(reason(sealed)), "Foreign")
    }))

  it.effect("may be written in base64 or base64url, with padding or without, and with a line's end", () =>
    Effect.gen(function*() {
      const bytes = new Uint8Array(32).fill(0xfb)
      const written = [
        Encoding.encodeBase64(bytes),
        Encoding.encodeBase64(bytes).replace("=", ""),
        Encoding.encodeBase64Url(bytes),
        `${Encoding.encodeBase64(bytes)}\n`,
        ` ${Encoding.encodeBase64(bytes)}\t`
      ]
      assert.match(written.join(), /\+.*-/)
      const sealed = yield* Effect.provide(
        seal("text"),
        ConsentSeal.layer({ keys: [{ id: "k", key: Redacted.make(written[0] ?? "") }] })
      )
      for (const key of written) {
        const layer = ConsentSeal.layer({ keys: [{ id: "k", key: Redacted.make(key) }] })
        assert.strictEqual(yield* Effect.provide(open(sealed), layer), "text")
      }
    }))

  it.effect("are refused with the id and the remedy, and without the key", () =>
    Effect.gen(function*() {
      for (const bad of ["", "canary", "canary!canary", Encoding.encodeBase64("canary-16-bytes!"), "A".repeat(44)]) {
        const said = yield* refusal(ConsentSeal.layer({ keys: [one, { id: "2026-07", key: Redacted.make(bad) }] }))
        assert.include(said, "2026-07")
        assert.include(said, "Invalid data at keys")
        assert.include(said, "openssl rand -base64 32")
        assert.notInclude(said, "canary")
        if (bad !== "") assert.notInclude(said, bad)
      }
      const twice = yield* refusal(ConsentSeal.layer({ keys: [one, { ...two, id: "one" }] }))
      assert.match(twice, /two keys have the id \\?"one\\?": give each/)
      for (const id of ["", "a.b", "ä", "a b", "x".repeat(65), "one\n"]) {
        assert.include(
          yield* refusal(ConsentSeal.layer({ keys: [one, { id, key: two.key }] })),
          "key number 2 needs an id"
        )
      }
      yield* Effect.provide(seal("text"), ConsentSeal.layer({ keys: [{ id: "x".repeat(64), key: one.key }] }))
    }))

  const wrong = [
    [
      { id: "2026-07", key: Redacted.make("bad") },
      `key "2026-07" is not 32 bytes in base64: make one with "openssl rand -base64 32"`
    ],
    [
      { ...two, id: "a b" },
      `key number 2 needs an id of 1 to 64 letters, digits, "_" and "-", as in id:key`
    ],
    [{ ...two, id: "one" }, `two keys have the id "one": give each key an id of its own`]
  ] as const
  for (const [key, message] of wrong) {
    it.effect(`that are wrong are refused with the remedy: ${message}`, () =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(Effect.scoped(Layer.build(ConsentSeal.layer({ keys: [one, key] }))))
        assertContains(refused, { _op: "InvalidData", path: ["keys"], message })
        const variable = [one, key].map(({ id, key }) => `${id}:${Redacted.value(key)}`).join(",")
        const layer = fromVariables({ AGENTCORE_IDENTITY_SEAL_KEYS: variable })
        const named = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        assertContains(named, { _op: "InvalidData", path: ["AGENTCORE_IDENTITY_SEAL_KEYS"], message })
      }))
  }

  it.effect("are 100 at the most, and a longer list is refused before any of it is read", () =>
    Effect.gen(function*() {
      const list = (count: number) => Arr.makeBy(count, (index) => ({ ...one, id: `key-${index}` }))
      yield* Effect.scoped(Layer.build(ConsentSeal.layer({ keys: list(100) })))
      const message = "expected at most 100 keys: remove those that are no longer used"
      const refused = yield* Effect.flip(Effect.scoped(Layer.build(ConsentSeal.layer({ keys: list(101) }))))
      assertContains(refused, { _op: "InvalidData", path: ["keys"], message })
      const layer = fromVariables({ AGENTCORE_IDENTITY_SEAL_KEYS: ",".repeat(100) })
      const named = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assertContains(named, { _op: "InvalidData", path: ["AGENTCORE_IDENTITY_SEAL_KEYS"], message })
    }))

  it.effect("cannot be read out of the platform that holds them", () =>
    Effect.gen(function*() {
      const importing = vi.spyOn(globalThis.crypto.subtle, "importKey")
      yield* withKeys(seal("text"))
      const [imported] = importing.mock.results
      importing.mockRestore()
      const key = yield* Effect.promise(() => Promise.resolve(imported?.value))
      assert.isFalse(key.extractable)
    }))

  it.effect("are 32 bytes, no fewer and no more", () =>
    Effect.gen(function*() {
      for (const size of [0, 16, 31, 33, 64]) {
        const key = Redacted.make(Encoding.encodeBase64(new Uint8Array(size).fill(5)))
        assert.include(yield* refusal(ConsentSeal.layer({ keys: [{ id: "one", key }] })), "is not 32 bytes in base64")
      }
    }))

  it.effect("are named by an id that is too short to be a key, and otherwise by their place", () =>
    Effect.gen(function*() {
      const bad = Redacted.make("bad")
      for (const [id, name] of [["x".repeat(21), `"${"x".repeat(21)}"`], ["x".repeat(22), "number 2"]] as const) {
        const wrong = yield* refusal(ConsentSeal.layer({ keys: [one, { id, key: bad }] }))
        assert.include(wrong.replaceAll("\\", ""), `key ${name} is not 32 bytes`)
        const twice = yield* refusal(ConsentSeal.layer({ keys: [{ id, key: one.key }, { id, key: two.key }] }))
        assert.include(twice.replaceAll("\\", ""), `two keys have the id ${name}`)
      }
    }))

  it.effect("are read from AGENTCORE_IDENTITY_SEAL_KEYS, the newest first", () =>
    Effect.gen(function*() {
      const variable = `two:${Redacted.value(two.key)}, one:${Redacted.value(one.key)}\n`
      const layer = fromVariables({ AGENTCORE_IDENTITY_SEAL_KEYS: variable })
      const sealed = yield* withKeys(seal("text"))
      assert.strictEqual(yield* Effect.provide(open(sealed), layer), "text")
      assert.match(yield* Effect.provide(seal("text"), layer), /^v1\.two\./)
    }))

  it.effect("that are missing or wrong in a variable are refused with its name, and without what is in it", () =>
    Effect.gen(function*() {
      const key = Redacted.value(keyOf(7))
      const refused = [
        "",
        ",",
        key,
        `${key}:id`,
        `${Encoding.encodeBase64Url(new Uint8Array(32).fill(7))}:id`,
        `one:${key},`,
        `one:${key},one:${key}`,
        `one:${key},${key}`,
        `one:${key}${key}`,
        `one=${key}`
      ]
      for (const value of refused) {
        const said = yield* refusal(fromVariables({ AGENTCORE_IDENTITY_SEAL_KEYS: value }))
        assert.include(said, "AGENTCORE_IDENTITY_SEAL_KEYS")
        assert.notInclude(said, key.slice(0, 10))
      }
      assert.include(yield* refusal(fromVariables({})), "AGENTCORE_IDENTITY_SEAL_KEYS")
    }))

  it.effect("may come from a variable of another name", () =>
    Effect.gen(function*() {
      const layer = ConsentSeal.layerConfig({ keys: ConsentSeal.keys("MY_KEYS") })
      const provider = (value: string) => Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["MY_KEYS", value]])))
      const sealed = yield* withKeys(seal("text"))
      const provided = Layer.provide(layer, provider(`one:${Redacted.value(one.key)}`))
      assert.strictEqual(yield* Effect.provide(open(sealed), provided), "text")
      assert.include(yield* refusal(Layer.provide(layer, provider("nothing"))), "MY_KEYS")
    }))

  it.effect("can be made: 32 bytes in base64, another every time, and never printed", () =>
    Effect.gen(function*() {
      const keys = yield* Effect.replicateEffect(ConsentSeal.generateKey, 20)
      assert.strictEqual(new Set(keys.map(Redacted.value)).size, 20)
      for (const key of keys) {
        assert.match(Redacted.value(key), /^[A-Za-z0-9+/]{43}=$/)
        assert.notInclude(printed(key), Redacted.value(key))
        const layer = ConsentSeal.layer({ keys: [{ id: "new", key }] })
        assert.strictEqual(yield* Effect.provide(Effect.flatMap(seal("text"), (sealed) => open(sealed)), layer), "text")
      }
    }))

  it.effect("of a program without any are its own: another program's texts are foreign to it", () =>
    Effect.gen(function*() {
      const sealed = yield* Effect.provide(
        Effect.tap(seal("text"), (sealed) => Effect.map(open(sealed), (text) => assert.strictEqual(text, "text"))),
        ConsentSeal.layerEphemeral
      )
      assert.strictEqual(yield* Effect.provide(reason(sealed), ConsentSeal.layerEphemeral), "Foreign")
    }))
})
