/** The key set that an issuer publishes (RFC 7517). An unverified token names the issuer, so the set is limited. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as jose from "jose"

const maxKeys = 100

/** The length of a member in characters: an RSA modulus of 24,576 bits. */
const maxMember = 4096

/** RFC 7517, section 4.3, defines eight values. */
const maxOperations = 16

const member = Schema.optionalWith(Schema.String.pipe(Schema.maxLength(maxMember)), { exact: true })

// The members that are used. `d` is read so that a private key is rejected.
const Key = Schema.Struct({
  kty: Schema.String.pipe(Schema.maxLength(maxMember)),
  alg: member,
  crv: member,
  d: member,
  e: member,
  kid: member,
  n: member,
  use: member,
  x: member,
  y: member,
  key_ops: Schema.optionalWith(
    Schema.mutable(Schema.Array(Schema.String.pipe(Schema.maxLength(maxMember)))).pipe(
      Schema.filter((operations) => operations.length <= maxOperations)
    ),
    { exact: true }
  )
})

const decodeSet = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Struct({ keys: Schema.Array(Schema.Unknown) }))
)

const decodeKey = Schema.decodeUnknownOption(Key)

/** Reads at most 100 keys. A key of an unknown type or beyond the limits is ignored (RFC 7517, section 5). */
export const parse = (text: string): Either.Either<jose.JSONWebKeySet, string> =>
  Either.flatMap(
    Either.mapLeft(decodeSet(text), () => "the keys of the issuer are not a JSON Web Key Set"),
    ({ keys }) =>
      keys.length > maxKeys
        ? Either.left(`the issuer has more than ${maxKeys} keys`)
        : Either.right({ keys: keys.flatMap((key) => Option.toArray(decodeKey(key))) })
  )
