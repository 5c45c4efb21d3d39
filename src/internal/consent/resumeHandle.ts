/** Resume handles: the sealed `ConsentRequired` of a suspended call. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { ConsentSeal } from "../../ConsentSeal.js"
import { ConsentRequired, HandleRejected } from "../../IdentityError.js"
import { token } from "../lib/secureToken.js"

const purpose = "resume"

/** The id is random, and identifies the handle. Several handles may belong to one session. */
const Handle = Schema.Struct({ id: Schema.String, consent: ConsentRequired })

const HandleJson = Schema.parseJson(Handle)

const encode = Schema.encode(HandleJson)

const decode = Schema.decode(HandleJson)

/** Adds the handle to a consent. */
export const attach = (consent: ConsentRequired): Effect.Effect<ConsentRequired, never, ConsentSeal> =>
  Effect.gen(function*() {
    const { seal } = yield* ConsentSeal
    // It was decoded by its schema before, so it can be encoded.
    const text = yield* Effect.orDie(encode({ id: yield* token, consent }))
    return new ConsentRequired({ ...consent, handle: yield* seal(purpose, Redacted.make(text)) }, {
      disableValidation: true
    })
  })

/** Opens a handle. Fails with `HandleRejected` if it is invalid or its session has expired. */
export const open = (handle: Redacted.Redacted): Effect.Effect<typeof Handle.Type, HandleRejected, ConsentSeal> =>
  Effect.gen(function*() {
    const seal = yield* ConsentSeal
    // A program without type checks may pass a string.
    if (!Redacted.isRedacted(handle)) return yield* new HandleRejected({ reason: "Malformed" })
    const text = yield* seal.open(purpose, handle)
    const opened = yield* Effect.mapError(
      decode(Redacted.value(text)),
      () => new HandleRejected({ reason: "Malformed" })
    )
    const now = yield* DateTime.now
    return DateTime.lessThan(now, opened.consent.expiresAt) ? opened : yield* new HandleRejected({ reason: "Expired" })
  })
