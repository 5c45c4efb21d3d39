import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as IdentityControls from "../../../src/IdentityControls.js"
import type * as TokenOptions from "../../../src/TokenOptions.js"
import { agent, callbackUrl, jwt, workloadName } from "../agent.js"
import { consents, required } from "../consenting.js"
import { assertEqual } from "../equality.js"
import { section } from "./section.js"

/** Options of a token request, with the user and the workload identity by name. */
interface Asked extends Omit<TokenOptions.TokenOptions, "forceAuthentication"> {
  readonly workload: string
  readonly user: { readonly userId: string } | { readonly userToken: Redacted.Redacted }
}

/** A request that differs from the first one in one member; states if it returns the same token. */
interface Variation<Value> {
  readonly what: string
  readonly isSame: boolean
  readonly value: Value
}

/** At least one variation of each member: a new member of a request has to be decided here. */
type Variations = { readonly [Member in keyof Asked]-?: ReadonlyArray<Variation<Asked[Member]>> }

const same = <Value>(what: string, value: Value): Variation<Value> => ({ what, isSame: true, value })

const other = <Value>(what: string, value: Value): Variation<Value> => ({ what, isSame: false, value })

const issuer = "https://issuer.example"

const base: Asked = {
  workload: workloadName,
  user: { userId: "ada" },
  providerName: "github",
  scopes: ["read", "write"],
  // Authorization servers issue an access token for one resource.
  resources: ["https://a.example"],
  audiences: ["one", "two"],
  callbackUrl,
  customState: "state",
  customParameters: { login_hint: "ada" }
}

const lists = {
  resources: [
    same("the same twice", ["https://a.example", "https://a.example"]),
    other("another", ["https://b.example"]),
    other("none", undefined)
  ],
  audiences: [
    same("in another order, one of them twice", ["two", "one", "two"]),
    other("one more", ["one", "two", "three"]),
    other("one fewer", ["one"]),
    other("another", ["one", "three"]),
    other("those and the resource", ["one", "two", "https://a.example"]),
    other("none", undefined)
  ],
  callbackUrl: [same("another", `${callbackUrl}/other`)],
  customState: [same("another", "other")],
  customParameters: [
    same("another value", { login_hint: "bob" }),
    same("another name", { display: "ada" }),
    same("none", undefined)
  ],
  workload: [other("another", "other-agent")],
  providerName: [other("another", "exchange")]
} satisfies Partial<Variations>

const scopes = [same("in another order, one of them twice", ["write", "read", "write"])]

const ofGrant: Variations = {
  ...lists,
  resources: [...lists.resources, other("one more", ["https://a.example", "https://b.example"])],
  user: [
    other("another id", { userId: "bob" }),
    other("an id in other letters", { userId: "Ada" }),
    other("a JWT with the id as its subject", { userToken: jwt({ iss: issuer, sub: "ada" }) })
  ],
  scopes: [
    ...scopes,
    same("fewer", ["write"]),
    same("none", []),
    other("one more", ["read", "write", "admin"]),
    other("another", ["read", "admin"]),
    other("one that joins both", ["read write"])
  ]
}

const ofJwtGrant: ReadonlyArray<Variation<Asked["user"]>> = [
  same("a fresh JWT of the same issuer and subject", { userToken: jwt({ iss: issuer, sub: "ada", jti: "2" }) }),
  other("another issuer", { userToken: jwt({ iss: "https://other.example", sub: "ada" }) }),
  other("another subject", { userToken: jwt({ iss: issuer, sub: "bob" }) }),
  other("a user id like its subject", { userId: "ada" }),
  other("a user id that is written like it", { userId: `jwt:${issuer}|ada` })
]

const ofMachineToken: Variations = {
  ...lists,
  user: [
    same("another", { userId: "bob" }),
    same("one named by a JWT", { userToken: jwt({ iss: issuer, sub: "ada" }) })
  ],
  scopes: [
    ...scopes,
    other("fewer", ["write"]),
    other("none", []),
    other("one more", ["read", "write", "admin"]),
    other("another", ["read", "admin"]),
    other("one that joins both", ["read write"])
  ]
}

const variants = (variations: Partial<Variations>, base: Asked) =>
  Object.entries<ReadonlyArray<Variation<Asked[keyof Asked]>> | undefined>(variations).flatMap(([member, all = []]) =>
    all.map(({ isSame, value, what }) => ({
      title: `${member}: ${what}`,
      isSame,
      asked: { ...base, [member]: value }
    }))
  )

/** An agent with two workload identities, each with two registered return URLs. */
const setUp = Effect.gen(function*() {
  const { identity } = yield* agent
  const urls = { allowedResourceOauth2ReturnUrls: [callbackUrl, `${callbackUrl}/other`] }
  yield* identity.updateWorkloadIdentity({ name: workloadName, ...urls })
  yield* identity.createWorkloadIdentity({ name: "other-agent", ...urls })
  const options = ({ user, workload, ...asked }: Asked) =>
    Effect.map(
      identity.getWorkloadAccessToken({ workloadName: workload, ...user }),
      (workloadAccessToken) => ({ ...asked, workloadAccessToken })
    )
  return {
    identity,
    asUser: (asked: Asked) =>
      Effect.flatMap(options(asked), (options) => identity.getToken({ ...options, authFlow: "USER_FEDERATION" })),
    asMachine: (asked: Asked) =>
      Effect.flatMap(options(asked), (options) => identity.getToken({ ...options, authFlow: "M2M" }))
  }
})

/** Requests that return the token of an earlier request, and requests that do not, on every layer. */
export const identityOfGrants = section("which requests share a token", (test) => {
  test(
    "a grant covers its workload, user, provider, resources and audiences, and fewer scopes; other requests need consent",
    Effect.gen(function*() {
      const { asUser } = yield* setUp
      yield* consents(yield* required(asUser(base)))
      const token = Redacted.value(yield* asUser(base))
      for (const { asked, isSame, title } of variants(ofGrant, base)) {
        const result = yield* Effect.either(asUser(asked))
        if (result._tag === "Left") assertEqual([result.left._tag, isSame], ["ConsentRequired", false], title)
        else assertEqual([Redacted.value(result.right), isSame], [token, true], title)
      }
      // A request without consent has changed nothing.
      assert.strictEqual(Redacted.value(yield* asUser(base)), token)
    })
  )

  test(
    "the grant of a user with a JWT covers the same issuer and subject, and no user id",
    Effect.gen(function*() {
      const { asUser, identity } = yield* setUp
      const { approve } = yield* IdentityControls.IdentityControls
      const userToken = jwt({ iss: issuer, sub: "ada" })
      const asked: Asked = { ...base, user: { userToken } }
      const { sessionUri } = yield* required(asUser(asked))
      yield* approve(sessionUri)
      yield* identity.completeResourceTokenAuth({ sessionUri, userIdentifier: { userToken } })
      const token = Redacted.value(yield* asUser(asked))
      for (const { asked: varied, isSame, title } of variants({ user: ofJwtGrant }, asked)) {
        const result = yield* Effect.either(asUser(varied))
        if (result._tag === "Left") assertEqual([result.left._tag, isSame], ["ConsentRequired", false], title)
        else assertEqual([Redacted.value(result.right), isSame], [token, true], title)
      }
    })
  )

  test(
    "a machine token is shared by all users for the same workload, provider, scopes, resources and audiences",
    Effect.gen(function*() {
      const { asMachine } = yield* setUp
      const token = Redacted.value(yield* asMachine(base))
      const others = new Set<string>()
      const different = variants(ofMachineToken, base).filter(({ isSame }) => !isSame)
      for (const { asked, isSame, title } of variants(ofMachineToken, base)) {
        const given = Redacted.value(yield* asMachine(asked))
        assert.strictEqual(given === token, isSame, title)
        if (isSame) continue
        others.add(given)
        assert.strictEqual(Redacted.value(yield* asMachine(asked)), given, `${title}, asked again`)
      }
      assert.strictEqual(others.size, different.length)
    })
  )

  test(
    "there is one grant for each workload, user and provider: another consent replaces it",
    Effect.gen(function*() {
      const { asUser } = yield* setUp
      const { grants } = yield* IdentityControls.IdentityControls
      const narrow = { ...base, scopes: ["read"] }
      const wide = { ...base, scopes: ["read", "admin"] }
      yield* consents(yield* required(asUser(narrow)))
      const first = Redacted.value(yield* asUser(narrow))
      yield* consents(yield* required(asUser(wide)))
      const second = Redacted.value(yield* asUser(narrow))
      assert.notStrictEqual(second, first)
      assert.strictEqual(Redacted.value(yield* asUser(wide)), second)
      assertEqual((yield* grants).map(({ scopes }) => new Set(scopes)), [new Set(["admin", "read"])])
    })
  )

  test(
    "a JWT with a vertical bar in its issuer is rejected, since it could be read as the subject of another issuer",
    Effect.gen(function*() {
      const { identity } = yield* setUp
      const mint = (claims: Record<string, unknown>) =>
        Effect.either(identity.getWorkloadAccessToken({ workloadName, userToken: jwt(claims) }))
      for (const claims of [{ iss: `${issuer}|a`, sub: "b" }, { iss: "|", sub: "b" }, { iss: "", sub: "b" }]) {
        const refused = yield* mint(claims)
        assert.strictEqual(refused._tag === "Left" ? refused.left._tag : "a token", "Unauthorized", claims.iss)
      }
      assert.strictEqual((yield* mint({ iss: issuer, sub: "a|b" }))._tag, "Right")
      for (const claims of [{ iss: issuer }, { sub: "b" }, { iss: issuer, sub: "" }, { iss: issuer, sub: 1 }]) {
        const refused = yield* mint(claims)
        assert.strictEqual(
          refused._tag === "Left" ? refused.left._tag : "a token",
          "Unauthorized",
          JSON.stringify(claims)
        )
      }
    })
  )
})
