import { assert, describe, it } from "@effect/vitest"
import {
  Arbitrary,
  Array as Arr,
  DateTime,
  Effect,
  Either,
  FastCheck,
  Record,
  Redacted,
  Schema,
  SchemaAST,
  String as Str
} from "effect"
import { operations } from "../src/IdentityApi.js"
import * as check from "../src/internal/model/validation.js"
import type { Operation } from "../src/Operation.js"
import { assertContains, assertEqual } from "./support/equality.js"
import {
  all,
  bare,
  casesOf,
  facts,
  isSecret,
  type Member,
  put,
  samples,
  sorted,
  travels,
  whole
} from "./support/limits.js"
import { nested } from "./support/nestedLimits.js"

const renamed: Record.ReadonlyRecord<string, string> = {
  ValidationException: "ValidationError",
  ThrottlingException: "Throttled",
  InternalServerException: "InternalServerError"
}

const tagOf = (name: string) => renamed[name] ?? name.replace("Exception", "")

const refusal = (operation: Operation.Any, request: unknown) =>
  Either.flip(Effect.runSync(Effect.either(check.encode(operation)(request))))

const refusedNames = (operation: Operation.Any, request: unknown, why: string) =>
  Either.getOrThrowWith(refusal(operation, request), () => new Error(`let through: ${why}`))
    .fieldList?.map((field) => field.name)

const assertPasses = (operation: Operation.Any, request: unknown, why: string) => {
  const error = refusal(operation, request)
  assert.isTrue(Either.isLeft(error), `${why}: ${error}`)
}

const members = (ast: SchemaAST.AST, optional: boolean) =>
  sorted(
    SchemaAST.getPropertySignatures(ast).filter((member) => member.isOptional === optional).map((member) =>
      String(member.name)
    )
  )

const flat = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(flat)
  if (SchemaAST.isSuspend(ast)) return flat(ast.f())
  return SchemaAST.isRefinement(ast) ? flat(ast.from) : [ast]
}

/** The members of a member that is a structure, or of all choices of one that is a union. */
const membersWithin = (ast: SchemaAST.AST, name: string, optional: boolean) => {
  const [signature] = SchemaAST.getPropertySignatures(ast).filter((member) => member.name === name)
  const choices = signature === undefined ? [] : flat(signature.type).filter(SchemaAST.isTypeLiteral)
  return sorted(choices.flatMap((choice) => members(choice, optional)))
}

/** Every leaf of a type, by the path to it; `*` stands for the items of a list and the values of a map. */
const leaves = (ast: SchemaAST.AST, path = ""): ReadonlyArray<readonly [path: string, ast: SchemaAST.AST]> => {
  const below = (key: string) => path === "" ? key : `${path}.${key}`
  switch (ast._tag) {
    case "Refinement":
      return leaves(ast.from, path)
    case "Suspend":
      return leaves(ast.f(), path)
    case "Union":
      return ast.types.flatMap((one) => leaves(one, path))
    case "TupleType":
      return ast.rest.flatMap((item) => leaves(item.type, below("*")))
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.flatMap((member) => leaves(member.type, below(String(member.name)))),
        ...ast.indexSignatures.flatMap((entry) => leaves(entry.type, below("*")))
      ]
    default:
      return [[path, ast]]
  }
}

const isRedacted = (ast: SchemaAST.AST) =>
  SchemaAST.isDeclaration(ast) && samples(Schema.make(ast), 1).every((value) => Redacted.isRedacted(value))

/** The paths to all redacted members of a schema. */
const secrets = (schema: Schema.Schema.AnyNoContext) =>
  sorted(Arr.dedupe(leaves(SchemaAST.typeAST(schema.ast)).flatMap(([path, ast]) => isRedacted(ast) ? [path] : [])))

const vendors = ["custom", "google", "github", "slack", "salesforce", "microsoft", "atlassian", "linkedin", "included"]

const claims = ["Header", "Payload"].map((part) =>
  `customOauth2ProviderConfig.privateKeyJwtConfig.additional${part}Claims.*`
)

// Sensitive strings inside unions, which the facts do not list.
const secretsWithin: Record.ReadonlyRecord<string, ReadonlyArray<string>> = {
  userIdentifier: ["userToken"],
  paymentTokenRequest: ["stripePrivyTokenRequest.requestBody"],
  paymentTokenResponse: [
    "coinbaseCdpTokenResponse.bearerToken",
    "coinbaseCdpTokenResponse.walletAuthToken",
    "stripePrivyTokenResponse.authorizationSignature",
    "stripePrivyTokenResponse.basicAuthToken"
  ],
  oauth2ProviderConfigInput: [...vendors.map((vendor) => `${vendor}Oauth2ProviderConfig.clientSecret`), ...claims],
  oauth2ProviderConfigOutput: claims,
  providerConfigurationInput: [
    "coinbaseCdpConfiguration.apiKeySecret",
    "coinbaseCdpConfiguration.walletSecret",
    "stripePrivyConfiguration.appSecret",
    "stripePrivyConfiguration.authorizationPrivateKey"
  ]
}

const sensitive = (members: ReadonlyArray<readonly [name: string, member: Member]>) =>
  sorted(members.flatMap(([name, member]) => [
    ...(isSecret(name, member) ? [name] : []),
    ...(member.items?.sensitive === true || member.value?.sensitive === true ? [`${name}.*`] : []),
    ...(secretsWithin[name] ?? []).map((path) => `${name}.${path}`)
  ]))

const overTheWire = (schema: Schema.Schema.AnyNoContext, value: unknown): unknown =>
  Schema.decodeUnknownSync(schema)(JSON.parse(JSON.stringify(Schema.encodeUnknownSync(schema)(value))))

const generated = (schema: Schema.Schema.AnyNoContext, holds: (value: unknown) => void) =>
  FastCheck.assert(FastCheck.property(Arbitrary.make(Schema.typeSchema(schema)), holds), { numRuns: 30 })

describe("the table", () => {
  it("has exactly the operations of the model", () => {
    assert.lengthOf(facts, 40)
    assertEqual(
      sorted(Object.keys(operations)),
      sorted(facts.map((fact) => Str.uncapitalize(fact.operation)))
    )
  })

  for (const { fact, operation } of all) {
    const sides = [
      { ast: SchemaAST.typeAST(operation.request.ast), members: Object.entries(fact.members) },
      {
        ast: SchemaAST.typeAST(operation.reply.ast),
        members: fact.output.map((member) => [member.name, member] as const)
      }
    ]

    it(`${fact.operation} has AWS's method, path, status and errors`, () => {
      const { errors, method, name, path, plane, status } = operation
      assertEqual<unknown>({ name, plane, method, path, status }, {
        name: fact.operation,
        plane: fact.plane,
        method: fact.method,
        path: fact.uri,
        status: fact.successStatus
      })
      assertEqual(sorted(errors), sorted(fact.errors.map((error) => tagOf(error.name))))
    })

    it(`${fact.operation} has AWS's members, required and optional`, () => {
      const output = (required: boolean) =>
        sorted(fact.output.filter((member) => member.required === required).map((member) => member.name))
      const [request, reply] = sides.map(({ ast }) => ({ required: members(ast, false), optional: members(ast, true) }))
      assertEqual(request, { required: sorted(fact.required), optional: sorted(fact.optional) })
      assertEqual(reply, { required: output(true), optional: output(false) })
    })

    it(`${fact.operation} has AWS's members inside its structures and unions`, () => {
      for (const side of sides) {
        for (const [name, { members = [], requiredMembers = [], type }] of side.members) {
          const required = membersWithin(side.ast, name, false)
          const optional = membersWithin(side.ast, name, true)
          if (type === "structure") {
            assertEqual(required, sorted(requiredMembers), name)
            assertEqual(sorted([...required, ...optional]), sorted(members), name)
          }
          if (type === "union") {
            assertEqual(required.filter((key) => key !== "$unknown"), sorted(members), name)
          }
        }
      }
    })

    it(`${fact.operation} redacts exactly the sensitive members`, () => {
      const withheld = [secrets(operation.request), secrets(operation.reply)]
      assertEqual(withheld, sides.map(({ members }) => sensitive(members)))
    })
  }
})

describe("a request", () => {
  for (const { fact, operation } of all) {
    it(`of ${fact.operation} is valid at every limit, and invalid just outside`, () => {
      const base = whole(operation.request)
      assertEqual(sorted(Object.keys(base)), sorted(Object.keys(fact.members)))
      assertPasses(operation, Record.filter(base, (_, name) => fact.required.includes(name)), "the required members")
      for (const name of fact.required) {
        const { fieldList, reason } = Either.getOrThrow(refusal(operation, Record.remove(base, name)))
        assertEqual(fieldList, [{ name, message: "Member must not be null" }])
        assert.strictEqual(reason, "FieldValidationFailed")
      }
      for (const [name, member] of Object.entries(fact.members)) {
        for (const { refused, value, why } of casesOf(name, member, base[name])) {
          const request = { ...base, [name]: value }
          if (refused === undefined) assertPasses(operation, request, `${name}, ${why}`)
          else assertEqual(refusedNames(operation, request, `${name}, ${why}`), [refused], `${name}, ${why}`)
        }
      }
    })

    it(`of ${fact.operation} is equal after encoding and decoding`, () =>
      generated(operation.request, (request) => {
        assertEqual(bare(overTheWire(operation.request, request)), bare(request))
      }))
  }
})

describe("inside a request", () => {
  for (const { at, base, below = "", breaks, fits, operation } of nested) {
    const name = below === "" || below.startsWith("[") ? `${at}${below}` : `${at}.${below}`
    it(`${name} of ${operation.name} is valid at its limits, and invalid outside`, () => {
      assertPasses(operation, base, "the base")
      for (const value of fits) assertPasses(operation, put(base, at, value), JSON.stringify(value))
      for (const value of breaks) {
        const why = JSON.stringify(value)
        assertEqual(refusedNames(operation, put(base, at, value), why), [name], why)
      }
    })
  }
})

/** A value outside the model for a member of this type, and its decoded form. */
const strange = (name: string, member: Member): ReadonlyArray<readonly [sent: unknown, read: unknown]> => {
  const unheard = "arn:unheard:of ✓"
  const later = { $unknown: ["laterMember", { x: 1 }] }
  switch (member.type) {
    case "string":
      return [[unheard, isSecret(name, member) ? { redacted: unheard } : unheard]]
    case "timestamp":
      return [[DateTime.toDate(DateTime.unsafeMake(1_500)), { epochMillis: 1_500 }]]
    case "union":
      // A payment token of an unknown vendor is a secret too.
      return name === "paymentTokenResponse"
        ? [[later, { $unknown: ["laterMember", { redacted: { x: 1 } }] }]]
        : [[later, later]]
    default:
      return []
  }
}

describe("a reply", () => {
  for (const { fact, operation } of all.filter(({ fact }) => fact.output.length > 0)) {
    it(`of ${fact.operation} is equal after encoding and decoding`, () =>
      generated(operation.reply, (reply) => {
        FastCheck.pre(travels(reply))
        assertEqual(bare(overTheWire(operation.reply, reply)), bare(reply))
      }))

    it(`of ${fact.operation} is decoded even if it differs from the published model`, () => {
      const read = (wire: unknown): unknown => bare(Schema.decodeUnknownSync(operation.reply)(wire))
      const sent: Record.ReadonlyRecord<string, unknown> = Schema.encodeUnknownSync(operation.reply)(
        whole(operation.reply)
      )
      const usual = read(sent)
      assertEqual(read({ ...sent, laterMember: "x" }), usual)
      for (const member of fact.output) {
        for (const [wire, value] of strange(member.name, member)) {
          assertEqual(read(put(sent, member.name, wire)), put(usual, member.name, value))
        }
        if (!member.required) {
          assertEqual(read(Record.remove(sent, member.name)), bare(put(usual, member.name, undefined)))
        }
      }
    })
  }

  for (const { fact, operation } of all.filter(({ fact }) => fact.output.length === 0)) {
    it(`of ${fact.operation} is decoded to nothing, whatever its body`, () => {
      for (const wire of [{}, { laterMember: "x" }]) {
        assertEqual(Schema.decodeUnknownSync(operation.reply)(wire), {})
      }
    })
  }

  it("may have timestamps in epoch seconds, with a fraction", () => {
    const reply = Schema.decodeUnknownSync(operations.getWorkloadIdentity.reply)({
      name: "agent",
      workloadIdentityArn: "arn",
      createdTime: 1_700_000_000,
      lastUpdatedTime: 1_700_000_000.123
    })
    assert.strictEqual(DateTime.formatIso(reply.createdTime), "2023-11-14T22:13:20.000Z")
    assert.strictEqual(DateTime.formatIso(reply.lastUpdatedTime), "2023-11-14T22:13:20.123Z")
    assertContains(Schema.encodeSync(operations.getWorkloadIdentity.reply)(reply), {
      createdTime: 1_700_000_000,
      lastUpdatedTime: 1_700_000_000.123
    })
  })

  it("has no number that JSON cannot represent", () => {
    const reply = (requestExpiry: number) => ({
      paymentTokenResponse: { stripePrivyTokenResponse: { requestExpiry, appId: "app", basicAuthToken: "basic" } }
    })
    const { reply: schema } = operations.getResourcePaymentToken
    const decode = Schema.decodeUnknownEither(schema)
    assert.isTrue(Either.isRight(decode(reply(1_700_000_000))))
    const withInfinity = {
      ...reply(0).paymentTokenResponse.stripePrivyTokenResponse,
      basicAuthToken: Redacted.make("basic")
    }
    for (const number of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]) {
      // JSON writes Infinity as 1e999 at most, which is read as Infinity.
      assert.isTrue(Either.isLeft(decode(reply(number))), String(number))
      const made = { paymentTokenResponse: { stripePrivyTokenResponse: { ...withInfinity, requestExpiry: number } } }
      assert.isTrue(Either.isLeft(Schema.encodeEither(schema)(made)), String(number))
    }
    assert.isTrue(Either.isLeft(decode(JSON.parse(JSON.stringify(reply(0)).replace("0", "1e999")))))
  })

  it("may have nested members that the model does not know", () => {
    const later = { $unknown: ["laterMember", {}] }
    const config = {
      oauthDiscovery: later,
      clientAuthenticationMethod: "LATER",
      onBehalfOfTokenExchangeConfig: {
        grantType: "LATER",
        tokenExchangeGrantTypeConfig: { actorTokenContent: "LATER", actorTokenScopes: [""] }
      },
      privateEndpoint: { selfManagedLatticeResource: later },
      privateEndpointOverrides: [{ domain: "", privateEndpoint: later }],
      privateKeyJwtConfig: {
        privateKeySource: later,
        signingAlgorithm: "LATER",
        additionalHeaderClaims: {},
        additionalPayloadClaims: {}
      }
    }
    const { oauth2ProviderConfigOutput } = Schema.decodeUnknownSync(operations.createOauth2CredentialProvider.reply)({
      name: "okta",
      credentialProviderArn: "arn",
      clientSecretArn: { secretArn: "arn" },
      oauth2ProviderConfigOutput: { customOauth2ProviderConfig: config }
    })
    assertEqual(bare(oauth2ProviderConfigOutput), { customOauth2ProviderConfig: config })
  })
})
