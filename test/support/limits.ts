import {
  Arbitrary,
  Array as Arr,
  DateTime,
  FastCheck,
  Option,
  Order,
  Predicate,
  Record,
  Redacted,
  Schema,
  String as Str
} from "effect"
import { operations } from "../../src/IdentityApi.js"
import type { Operation } from "../../src/Operation.js"
import json from "../fixtures/operations.json" with { type: "json" }

const limits = {
  type: Schema.String,
  min: Schema.optional(Schema.Number),
  max: Schema.optional(Schema.Number),
  pattern: Schema.optional(Schema.String),
  enum: Schema.optional(Schema.Array(Schema.String)),
  sensitive: Schema.optional(Schema.Boolean),
  members: Schema.optional(Schema.Array(Schema.String)),
  requiredMembers: Schema.optional(Schema.Array(Schema.String))
}

const Limits = Schema.Struct(limits)

export const Member = Schema.Struct({
  ...limits,
  items: Schema.optional(Limits),
  key: Schema.optional(Limits),
  value: Schema.optional(Limits)
})

type Limits = typeof Limits.Type
export type Member = typeof Member.Type

const Fact = Schema.Struct({
  operation: Schema.String,
  plane: Schema.String,
  method: Schema.String,
  uri: Schema.String,
  successStatus: Schema.Number,
  required: Schema.Array(Schema.String),
  optional: Schema.Array(Schema.String),
  members: Schema.Record({
    key: Schema.String,
    value: Schema.Struct({ ...Member.fields, in: Schema.optional(Schema.String) })
  }),
  output: Schema.Array(Schema.Struct({ name: Schema.String, required: Schema.Boolean, ...Member.fields })),
  errors: Schema.Array(Schema.Struct({ name: Schema.String }))
})

/** A query cannot say that a list has no items: AWS finds the member missing. */
const sayable = (member: typeof Fact.fields.members.value.Type): Member =>
  member.in === "query" && member.type === "list" ? { ...member, min: Math.max(1, member.min ?? 0) } : member

/** What AWS's service models say of each operation, as far as HTTP can carry it. */
export const facts = Schema.decodeUnknownSync(Schema.Array(Fact))(json).map((fact) => ({
  ...fact,
  members: Record.map(fact.members, sayable)
}))

const table: Record.ReadonlyRecord<string, Operation.Any> = operations

/** The operations, each with what is known of it. */
export const all = facts.map((fact) => ({
  fact,
  operation: Option.getOrThrow(Record.get(table, Str.uncapitalize(fact.operation)))
}))

/** Members that are `Redacted` here although AWS does not flag them: whoever holds one can act for the person. */
export const isSecret = (name: string, { sensitive = false }: Limits) => sensitive || name === "sessionUri"

export interface Case {
  readonly why: string
  readonly value: unknown
  /** The member that the refusal must name; without it the value must pass. */
  readonly refused?: string
}

const anchored = (pattern = "[^]*") => new RegExp(`^(?:${pattern})$`)

// Without a pattern, characters of two UTF-16 units: limits count code points.
const astral = "😀"

const fill = (s: string, length: number) => s === astral ? s.repeat(length) : s.padEnd(length, s.slice(-1))

const characters = ["\n", "é", ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))]

const strings = ({ enum: values, max = Infinity, min = 0, pattern }: Limits) => {
  if (values !== undefined) return { valid: values, invalid: ["NONE_OF_THESE", ""] }
  const fits = anchored(pattern)
  const [sample = ""] = FastCheck.sample(
    pattern === undefined
      ? FastCheck.constant("x".repeat(Math.max(1, min)))
      : FastCheck.stringMatching(fits).filter((s) => s.length >= Math.max(1, min) && s.length < max),
    { seed: 1, numRuns: 1 }
  )
  const near = pattern === undefined ? [] : characters.flatMap((c) => [sample + c, c + sample])
  const long = max === Infinity ? [] : pattern === undefined ? [astral] : [sample]
  return {
    valid: [sample, ...[sample.slice(0, min), ...near].filter((s) => fits.test(s)), ...long.map((s) => fill(s, max))],
    invalid: [
      ...(min === 0 ? [] : [sample.slice(0, min - 1)]),
      ...long.map((s) => fill(s, max + 1)),
      ...near.filter((s) => !fits.test(s))
    ]
  }
}

const shown = (s: string) => s.length > 60 ? `${s.slice(0, 20)}… (${s.length})` : s

const stringCases = (at: string, limits: Limits, put: (s: string) => unknown): ReadonlyArray<Case> => {
  const { invalid, valid } = strings(limits)
  return [
    ...valid.map((s) => ({ why: `"${shown(s)}" fits`, value: put(s) })),
    ...invalid.map((s) => ({ why: `"${shown(s)}" does not fit`, value: put(s), refused: at }))
  ]
}

const sizes = <A>(
  { max = Infinity, min = 0 }: Limits,
  refused: string,
  of: (size: number) => A
): ReadonlyArray<Case> => [
  { why: "the smallest size", value: of(min) },
  ...(min === 0 ? [] : [{ why: "a size below", value: of(min - 1), refused }]),
  ...(max === Infinity ? [] : [
    { why: "the largest size", value: of(max) },
    { why: "a size above", value: of(max + 1), refused }
  ])
]

/** Values on both sides of every limit of a member. `sample` is one that is known to pass. */
export const casesOf = (name: string, member: Member, sample: unknown): ReadonlyArray<Case> => {
  const wrap = (limits: Limits) => (s: string) => isSecret(name, limits) ? Redacted.make(s) : s
  const wrong = (...values: ReadonlyArray<unknown>) =>
    values.map((value) => ({ why: "the wrong type", value, refused: name }))
  switch (member.type) {
    case "string":
      return [
        ...stringCases(name, member, wrap(member)),
        ...wrong(42, null, isSecret(name, member) ? "bare" : Redacted.make("x"))
      ]
    case "boolean":
      return [{ why: "yes", value: true }, { why: "no", value: false }, ...wrong("true")]
    case "integer":
      return [
        ...[member.min, member.max].map((value) => ({ why: "a bound", value })),
        ...[(member.min ?? 0) - 1, (member.max ?? 0) + 1, 1.5, NaN].map((value) => ({
          why: `${value} does not fit`,
          value,
          refused: name
        })),
        ...wrong("1")
      ]
    case "list": {
      const item = member.items ?? { type: "string" }
      const one: unknown = item.type === "string"
        ? strings(item).valid[0]
        : Array.isArray(sample)
        ? sample[0]
        : undefined
      return [
        ...sizes(member, name, (size) => Array.from({ length: size }, () => one)),
        ...(item.type === "string" ? stringCases(`${name}[1]`, item, (s) => [one, wrap(item)(s)]) : []),
        ...wrong("x", { 0: one })
      ]
    }
    case "map": {
      const { key = { type: "string" }, value = { type: "string" } } = member
      const [good = "x"] = strings(value).valid
      return [
        ...sizes(
          member,
          name,
          (size) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, wrap(value)(good)]))
        ),
        ...strings(key).valid.map((key) => ({ why: `key "${shown(key)}"`, value: { [key]: wrap(value)(good) } })),
        ...strings(key).invalid.map((key) => ({
          why: `key "${shown(key)}"`,
          value: { [key]: wrap(value)(good) },
          refused: `${name}.${key}`
        })),
        ...stringCases(`${name}.k`, value, (s) => ({ k: wrap(value)(s) })),
        ...wrong("x")
      ]
    }
    case "structure":
      return [
        { why: "the sample", value: sample },
        ...(member.requiredMembers ?? []).map((key) => ({
          why: `without ${key}`,
          value: put(sample, key, undefined),
          refused: `${name}.${key}`
        })),
        ...wrong("x")
      ]
    case "union":
      return [
        { why: "the sample", value: sample },
        { why: "no member", value: {}, refused: name },
        {
          why: "every member",
          value: Object.fromEntries((member.members ?? []).map((key) => [key, "x"])),
          refused: name
        },
        ...wrong("x")
      ]
    default:
      throw new Error(`no cases for ${member.type}`)
  }
}

/** A copy with another value at a path such as `sources[0].identifier`. */
export const put = (into: unknown, path: string, value: unknown): unknown => {
  const go = (into: unknown, [key, ...rest]: ReadonlyArray<string>): unknown =>
    key === undefined
      ? value
      : Array.isArray(into)
      ? into.map((item: unknown, i) => String(i) === key ? go(item, rest) : item)
      : Predicate.isRecord(into)
      ? { ...into, [key]: go(into[key], rest) }
      : { [key]: go(undefined, rest) }
  return go(into, path.split(/[.[\]]+/).filter((key) => key !== ""))
}

export const samples = (schema: Schema.Schema.AnyNoContext, numRuns: number) =>
  FastCheck.sample(Arbitrary.make(Schema.typeSchema(schema)), { seed: 1, numRuns })

const wholes = new Map<Schema.Schema.AnyNoContext, Record.ReadonlyRecord<string, unknown>>()

/** A valid value with every member that it may have, put together from many samples. */
export const whole = (schema: Schema.Schema.AnyNoContext): Record.ReadonlyRecord<string, unknown> => {
  const known = wholes.get(schema)
  if (known !== undefined) return known
  const defined = samples(schema, 40).map((sample) => Record.filter(sample, Predicate.isNotUndefined))
  const whole = defined.reduce((whole, sample) => ({ ...whole, ...sample }), {})
  wholes.set(schema, whole)
  return whole
}

/** Something that can be compared in depth, which a `Redacted` cannot. */
export const bare = (value: unknown): unknown =>
  Redacted.isRedacted(value)
    ? { redacted: Redacted.value(value) }
    : DateTime.isDateTime(value)
    ? { epochMillis: DateTime.toEpochMillis(value) }
    : Array.isArray(value)
    ? value.map(bare)
    : Predicate.isRecord(value)
    ? Record.map(Record.filter(value, Predicate.isNotUndefined), bare)
    : value === 0
    ? 0 // JSON has no negative zero
    : value

/**
 * The AWS SDK's own note of a member that it does not know never travels. Dates beyond the year 100,000 do not fit epoch
 * seconds to the millisecond.
 */
export const travels = (value: unknown): boolean =>
  DateTime.isDateTime(value)
    ? Math.abs(DateTime.toEpochMillis(value)) < 3e15
    : !Predicate.isObject(value) || (!("$unknown" in value) && Object.values(value).every(travels))

export const sorted = Arr.sortBy(Order.string)

const secret = (length: number) => Redacted.make("s".repeat(length))
const client = { clientId: "client" }
const vpc = { vpcIdentifier: "vpc-0123abcd", subnetIds: ["subnet-0123ABCD"], endpointIpAddressType: "IPV4" }
const lattice = { selfManagedLatticeResource: { resourceConfigurationIdentifier: "rcfg-0123456789abcdefg" } }
const key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
const idpArn = "arn:aws:bedrock-agentcore:us-east-1:123456789012:token-vault/default/oauth2credentialprovider/okta_1"
const gateway = { identifier: "my-gateway-0123456789", type: "agentcore-gateway" }
const methods = (...tokenEndpointAuthMethods: ReadonlyArray<string>) => ({
  authorizationServerMetadata: { issuer: "i", authorizationEndpoint: "a", tokenEndpoint: "t", tokenEndpointAuthMethods }
})
const override = { domain: "example.com", privateEndpoint: lattice }
const reference = { secretId: "s", jsonKey: "k" }
const claimsOf = (count: number, value = secret(1)) =>
  Record.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, value]))

const oauth2 = (config: string, input: object) => ({
  name: "okta",
  credentialProviderVendor: "CustomOauth2",
  oauth2ProviderConfigInput: { [config]: input }
})

const custom = oauth2("customOauth2ProviderConfig", {
  oauthDiscovery: { discoveryUrl: "https://example.com/.well-known/openid-configuration" },
  onBehalfOfTokenExchangeConfig: { grantType: "TOKEN_EXCHANGE" },
  privateKeyJwtConfig: { privateKeySource: { kmsKeySource: { kmsKeyArn: key } } },
  privateEndpoint: { managedVpcResource: vpc },
  privateEndpointOverrides: [override, override]
})

const payment = (request: object) => ({
  workloadIdentityToken: Redacted.make("token"),
  resourceCredentialProviderName: "wallet",
  paymentTokenRequest: request
})

const portal = {
  executionRoleArn: "arn:aws:iam::123456789012:role/portal",
  idpConfig: { credentialProviderArn: idpArn, scopes: ["openid"] },
  name: "portal",
  sources: [gateway]
}

interface Nested {
  readonly operation: Operation.Any
  readonly base: unknown
  readonly at: string
  /** Values that pass, then values that are refused; `below` where in such a value the fault is. */
  readonly fits: ReadonlyArray<unknown>
  readonly breaks: ReadonlyArray<unknown>
  readonly below?: string
}

const within =
  (operation: Operation.Any, base: unknown, prefix: string) =>
  (at: string, fits: ReadonlyArray<unknown>, breaks: ReadonlyArray<unknown>, below?: string): Nested => ({
    operation,
    base,
    at: `${prefix}.${at}`,
    fits,
    breaks,
    ...(below === undefined ? {} : { below })
  })

const google = within(
  operations.createOauth2CredentialProvider,
  oauth2("googleOauth2ProviderConfig", client),
  "oauth2ProviderConfigInput.googleOauth2ProviderConfig"
)
const own = within(
  operations.updateOauth2CredentialProvider,
  custom,
  "oauth2ProviderConfigInput.customOauth2ProviderConfig"
)
const coinbase = within(
  operations.getResourcePaymentToken,
  payment({ coinbaseCdpTokenRequest: { requestMethod: "GET", requestPath: "/platform" } }),
  "paymentTokenRequest.coinbaseCdpTokenRequest"
)
const stripe = within(
  operations.createPaymentCredentialProvider,
  {
    name: "wallet",
    credentialProviderVendor: "StripePrivy",
    providerConfigurationInput: { stripePrivyConfiguration: { appId: "app", authorizationId: "id" } }
  },
  "providerConfigurationInput.stripePrivyConfiguration"
)
const consent = within(operations.createConsentPortal, portal, "idpConfig")
const source = within(operations.createConsentPortal, portal, "sources[0]")
const vault = within(
  operations.setTokenVaultCMK,
  { kmsConfiguration: { keyType: "CustomerManagedKey" } },
  "kmsConfiguration"
)

const jwt = "privateKeyJwtConfig"
const endpoint = "privateEndpoint.managedVpcResource"

/** Limits that the facts do not spell out: those inside structures and unions. */
export const nested: ReadonlyArray<Nested> = [
  google("clientId", ["x", "x".repeat(256)], ["", "x".repeat(257)]),
  google("clientSecret", [secret(0), secret(2048)], [secret(2049), "bare"]),
  google("clientSecretConfig", [reference], [{ ...reference, jsonKey: "" }], "jsonKey"),
  google("clientSecretSource", ["MANAGED", "EXTERNAL"], ["managed"]),
  own("clientId", ["", "x".repeat(256)], ["x".repeat(257)]),
  // Wider than the published pattern, which ends with the well-known name: see `discoveryUrlPattern` in choices.ts.
  own("oauthDiscovery.discoveryUrl", [
    "https://a/.well-known/oauth-authorization-server",
    "https://a/.well-known/oauth-authorization-server/tenant",
    "https://a/tenant/.well-known/oauth-authorization-server",
    "https://a/.well-known/openid-configuration/tenant/",
    "https://a/b/.well-known/openid-configuration/c"
  ], [
    "https://a",
    "https://a/.well-known/oauth-authorization-servers",
    "https://a/.well-known/oauth-authorization-server?a",
    "https://a/.well-known/oauth-authorization-server/tenant?a",
    "https://a/.well-known/oauth-authorization-server#a",
    "https://a?b/.well-known/openid-configuration",
    "/.well-known/openid-configuration"
  ]),
  own("oauthDiscovery", [methods("client_secret_post"), methods("client_secret_post", "client_secret_basic")], [
    methods(),
    methods("client_secret_post", "client_secret_basic", "client_secret_post")
  ], "authorizationServerMetadata.tokenEndpointAuthMethods"),
  own("onBehalfOfTokenExchangeConfig.tokenExchangeGrantTypeConfig", [{ actorTokenContent: "M2M" }], [
    { actorTokenContent: "NONE", actorTokenScopes: ["x".repeat(129)] }
  ], "actorTokenScopes[0]"),
  own(`${jwt}.privateKeySource.kmsKeySource.kmsKeyArn`, [key], ["", key.slice(0, -1), key.replace("kms", "s3")]),
  own(`${jwt}.signingAlgorithm`, ["RS256", "PS256", "ES256"], ["HS256"]),
  own(`${jwt}.additionalHeaderClaims`, [claimsOf(1), claimsOf(10)], [{}, claimsOf(11)]),
  own(`${jwt}.additionalPayloadClaims`, [claimsOf(1, secret(2048))], [claimsOf(1, secret(2049))], "c0"),
  own("privateEndpointOverrides", [[], Array.from({ length: 5 }, () => override)], [
    Array.from({ length: 6 }, () => override)
  ]),
  own("privateEndpointOverrides[1].domain", ["x".repeat(253)], ["", "x".repeat(254)]),
  own(`${endpoint}.vpcIdentifier`, ["vpc-0123456789abcdefg"], ["vpc-1", "vpc-0123456789"]),
  own(`${endpoint}.subnetIds`, [["subnet-0123456789ABCDEFG"]], [["subnet-1"], ["subnet-0123456789ABCDEFGH"]], "[0]"),
  own(`${endpoint}.securityGroupIds`, [[], Array.from({ length: 5 }, () => "sg-0123abcd")], [
    Array.from({ length: 6 }, () => "sg-0123abcd")
  ]),
  own(`${endpoint}.routingDomain`, ["abc", "x".repeat(255)], ["ab", "x".repeat(256)]),
  coinbase("requestPath", ["/a", `/${"a".repeat(2047)}`], ["", "a", "/", "/a b", `/${"a".repeat(2048)}`]),
  coinbase("requestHost", ["a.b-c"], ["", "a b", "x".repeat(257)]),
  coinbase("requestMethod", ["PATCH"], ["HEAD"]),
  coinbase("requestBody", ["{\n\t}", "x".repeat(16384)], ["", "é", "x".repeat(16385)]),
  stripe("authorizationPrivateKey", [secret(0), Redacted.make("wallet-auth:a+/=")], [
    Redacted.make("other:a"),
    secret(2049)
  ]),
  stripe("appId", ["a"], ["", "a.b", "x".repeat(513)]),
  consent("credentialProviderArn", [idpArn.replace("aws", "aws-eusc")], [idpArn.replace("bedrock-agentcore", "acps")]),
  consent("scopes", [["a"], ["a", "b"]], [[]]),
  consent("scopes", [["!"]], [["a b"], ["\""], ["x".repeat(256)]], "[0]"),
  source("identifier", ["arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g-0123456789"], [
    "gateway",
    "-gateway-0123456789",
    "x arn:aws:bedrock-agentcore:us-east-1:123456789012:gateway/g-0123456789"
  ]),
  source("type", ["agentcore-gateway"], ["lambda"]),
  vault("kmsKeyArn", [key, key.replace("aws", "aws-us-gov")], ["", key.replace("aws", "aws-iso")])
]
