/** A port that knows the truth: users, providers, consents and sessions, and each credential that it has issued. */
import { DateTime, Effect, FiberRef, Layer, Random, Redacted } from "effect"
import * as IdentityApi from "../../../src/IdentityApi.js"
import * as IdentityError from "../../../src/IdentityError.js"
import { jwt } from "../agent.js"
import type { TokenReply, TokenRequest } from "../stub.js"
import {
  type Call,
  type Credential,
  type Grant,
  keyOf,
  type Model,
  portDefect,
  scopesOf,
  type Sent,
  type Session
} from "./model.js"
import type { VirtualClock } from "./virtualClock.js"

/** The call that a request belongs to. The fibers that the service starts for a call inherit it. */
export const currentCall = FiberRef.unsafeMake<Call | undefined>(undefined)

type Failure = IdentityApi.Failure<"getResourceOauth2Token">

const sessionLife = 600_000

const arn = { secretArn: "arn" }

const roll = (percent: number) => Effect.map(Random.next, (value) => value * 100 < percent)

const pause = Effect.flatMap(Random.nextIntBetween(0, 10), (kind) =>
  kind < 5
    ? Effect.void
    : kind < 7
    ? Effect.yieldNow()
    : Effect.flatMap(Random.nextIntBetween(1, kind === 9 ? 20_000 : 800), (millis) => Effect.sleep(millis)))

/** A failure at random: 2% throttled, 2% broken, 1% dead. */
const trouble = (operation: string) =>
  Effect.flatMap(Random.nextIntBetween(0, 100), (one): Effect.Effect<void, Failure> =>
    one < 2
      ? Effect.fail(new IdentityError.Throttled({ operation, message: "slow down" }))
      : one < 4
      ? Effect.fail(new IdentityError.InternalServerError({ operation, message: "broken" }))
      : one === 4
      ? Effect.die(portDefect)
      : Effect.void)

export const makePort = (model: Model, { now }: VirtualClock) => {
  let count = 0
  let requests = 0
  const workloads = new Map<string, { readonly user: string; isExpired: boolean }>()
  const vault = new Map<string, string>()
  const consented = new Set<string>()
  const sessions = new Map<string, Session>()
  const deleted = new Set<string>()
  const inProgress = new Set<Sent>()

  const issue = (credential: Credential, grant: Grant, minutes?: number) => {
    const id = `${credential}-${++count}`
    const expiresAt = minutes === undefined ? Infinity : Math.floor(now() / 1000) + minutes * 60
    const text = minutes === undefined ? id : Redacted.value(jwt({ exp: expiresAt, jti: id }))
    model.issued.set(text, { credential, grant, expiresAt: expiresAt * 1000, replies: [] })
    return text
  }

  const issueToken = (grant: Grant) =>
    Effect.map(Random.nextIntBetween(7, 40), (minutes) => {
      const text = issue("token", grant, grant.provider === "google" ? minutes : undefined)
      vault.set(keyOf(grant), text)
      return text
    })

  /** The token of the vault, unless it expires within seven minutes, or another one. */
  const current = (grant: Grant, reused: number) =>
    Effect.flatMap(roll(reused), (isReused) => {
      const text = vault.get(keyOf(grant))
      const isValid = text !== undefined && now() + 420_000 < (model.issued.get(text)?.expiresAt ?? 0)
      return isReused && isValid ? Effect.succeed(text) : issueToken(grant)
    })

  const revoke = (matches: (key: string) => boolean) => {
    for (const key of vault.keys()) if (matches(key)) vault.delete(key)
    for (const key of consented) if (matches(key)) consented.delete(key)
  }

  /** Waits, decides, records what a credential was issued for, waits, and may lose the reply. */
  const replying = <A, E>(
    operation: string,
    decide: Effect.Effect<A, E>,
    credentialOf: (reply: A) => Redacted.Redacted | undefined,
    isRenewed = false
  ) =>
    Effect.gen(function*() {
      const sentAt = model.tick()
      yield* pause
      yield* trouble(operation)
      const reply = yield* decide
      const text = credentialOf(reply)
      const one = { sentAt, decidedAt: model.tick(), deliveredAt: Infinity, deliveredMillis: Infinity, isRenewed }
      if (text !== undefined) model.issued.get(Redacted.value(text))?.replies.push(one)
      yield* pause
      yield* trouble(operation)
      one.deliveredAt = model.tick()
      one.deliveredMillis = now()
      return reply
    })

  const userOf = (operation: string, token: Redacted.Redacted) =>
    Effect.suspend(() => {
      const workload = workloads.get(Redacted.value(token))
      return workload === undefined || workload.isExpired
        ? Effect.fail(new IdentityError.Unauthorized({ operation, message: "expired" }))
        : Effect.succeed(workload.user)
    })

  const existing = (operation: string, name: string) =>
    Effect.suspend(() =>
      deleted.has(name)
        ? Effect.fail(new IdentityError.ResourceNotFound({ operation, message: "deleted" }))
        : Effect.void
    )

  const operation = "GetResourceOauth2Token"

  const token = (text: string): TokenReply => ({ accessToken: Redacted.make(text) })

  const inProgressReply = (uri: string): TokenReply => ({
    authorizationUrl: Redacted.make(`https://idp.example/authorize?request_uri=${uri}`),
    sessionUri: Redacted.make(uri),
    sessionStatus: "IN_PROGRESS"
  })

  const open = (grant: Grant) =>
    Effect.map(FiberRef.get(currentCall), (call) => {
      const uri = `urn:ietf:params:oauth:request_uri:${++count}`
      model.opens(call, keyOf(grant), sessions, now())
      sessions.set(uri, { uri, key: keyOf(grant), grant, expiresAt: now() + sessionLife, state: "open" })
      return inProgressReply(uri)
    })

  const poll = (grant: Grant, uri: string): Effect.Effect<TokenReply, Failure> => {
    const session = sessions.get(uri)
    if (session === undefined || session.key !== keyOf(grant) || now() >= session.expiresAt) {
      return new IdentityError.AccessDenied({ operation, message: "Invalid or expired session" })
    }
    if (session.state === "denied") return Effect.succeed({ sessionUri: Redacted.make(uri), sessionStatus: "FAILED" })
    return session.state === "open" ? Effect.succeed(inProgressReply(uri)) : Effect.map(current(grant, 100), token)
  }

  const decideToken = (request: TokenRequest): Effect.Effect<TokenReply, Failure> =>
    Effect.gen(function*() {
      const user = yield* userOf(operation, request.workloadIdentityToken)
      const provider = request.resourceCredentialProviderName
      yield* existing(operation, provider)
      const grant = { user, provider, scopes: scopesOf(request.scopes), flow: request.oauth2Flow }
      const key = keyOf(grant)
      if (request.sessionUri !== undefined) return yield* poll(grant, Redacted.value(request.sessionUri))
      // A provider may return the same token again although it was forced.
      if (request.forceAuthentication === true && !(yield* roll(15))) revoke((other) => other === key)
      if (grant.flow === "M2M") return token(yield* current(grant, 50))
      return consented.has(key) ? token(yield* current(grant, 80)) : yield* open(grant)
    })

  const getResourceOauth2Token = (request: TokenRequest) => {
    requests++
    const { forceAuthentication = false, sessionUri } = request
    const reply = replying(
      operation,
      decideToken(request),
      ({ accessToken }) => accessToken,
      forceAuthentication || sessionUri !== undefined
    )
    if (forceAuthentication || sessionUri !== undefined) return reply
    return Effect.flatMap(FiberRef.get(currentCall), (call) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const user = workloads.get(Redacted.value(request.workloadIdentityToken))?.user ?? "unknown"
          const scopes = scopesOf(request.scopes)
          const grant = { user, provider: request.resourceCredentialProviderName, scopes, flow: request.oauth2Flow }
          const sent: Sent = { key: keyOf(grant), call, sentAt: model.tick() }
          model.note(`request of call ${call?.id} for ${sent.key}`)
          model.sends(sent, inProgress)
          inProgress.add(sent)
          return sent
        }),
        () => reply,
        (sent) => Effect.sync(() => inProgress.delete(sent))
      ))
  }

  const workloadToken = (user: string) => {
    const text = issue("workload", { user, provider: "", scopes: "", flow: "" })
    workloads.set(text, { user, isExpired: false })
    return text
  }

  const changing = (name: string, operation: string, change: () => void) =>
    replying(operation, Effect.zipRight(existing(operation, name), Effect.sync(change)), () => undefined)

  const answer = (uri: string, state: "completed" | "denied") => {
    const session = sessions.get(uri)
    if (session === undefined || session.state !== "open" || now() >= session.expiresAt) return false
    session.state = state
    const { grant, key } = session
    model.note(`session ${uri.slice(-4)} ${state}`)
    if (state === "completed") {
      consented.add(key)
      vault.delete(key)
    } else revoke((other) => other.startsWith(`${grant.user} ${grant.provider} `))
    return true
  }

  const layer = Layer.mock(IdentityApi.IdentityApi, {
    getResourceOauth2Token,
    getResourceApiKey: ({ resourceCredentialProviderName: provider, workloadIdentityToken }) =>
      replying(
        "GetResourceApiKey",
        Effect.gen(function*() {
          const user = yield* userOf("GetResourceApiKey", workloadIdentityToken)
          yield* existing("GetResourceApiKey", provider)
          return { apiKey: Redacted.make(issue("apiKey", { user, provider, scopes: "", flow: "" })) }
        }),
        ({ apiKey }) => apiKey
      ),
    getWorkloadAccessTokenForUserId: ({ userId }) =>
      replying(
        "GetWorkloadAccessTokenForUserId",
        Effect.sync(() => ({ workloadAccessToken: Redacted.make(workloadToken(userId)) })),
        ({ workloadAccessToken }) => workloadAccessToken
      ),
    completeResourceTokenAuth: ({ sessionUri }) =>
      replying(
        "CompleteResourceTokenAuth",
        Effect.suspend(() =>
          answer(Redacted.value(sessionUri), "completed")
            ? Effect.succeed({})
            : new IdentityError.AccessDenied({
              operation: "CompleteResourceTokenAuth",
              message: "Invalid or expired session"
            })
        ),
        () => undefined
      ),
    updateApiKeyCredentialProvider: ({ name }) =>
      Effect.gen(function*() {
        yield* changing(name, "UpdateApiKeyCredentialProvider", () => revoke((key) => key.includes(` ${name} `)))
        const time = yield* DateTime.now
        return { name, createdTime: time, lastUpdatedTime: time, apiKeySecretArn: arn, credentialProviderArn: name }
      }),
    createOauth2CredentialProvider: ({ name }) =>
      replying(
        "CreateOauth2CredentialProvider",
        Effect.sync(() => {
          deleted.delete(name)
          return { name, clientSecretArn: arn, credentialProviderArn: name }
        }),
        () => undefined
      ),
    deleteOauth2CredentialProvider: ({ name }) =>
      Effect.as(
        changing(name, "DeleteOauth2CredentialProvider", () => {
          revoke((key) => key.includes(` ${name} `))
          deleted.add(name)
        }),
        {}
      )
  })

  return {
    layer,
    answer,
    sessions,
    inProgress,
    requests: () => requests,
    /** A workload access token that this program has not requested. Its user is known only by it. */
    foreignToken: () => {
      const text = `elsewhere-${++count}`
      workloads.set(text, { user: text, isExpired: false })
      return text
    },
    expire: (user: string) => {
      for (const workload of workloads.values()) if (workload.user === user) workload.isExpired = true
    },
    isDeleted: (name: string) => deleted.has(name),
    /** Withdraws the consents of a user elsewhere. */
    revokeUser: (user: string) => revoke((key) => key.startsWith(`${user} `))
  }
}

export type Port = ReturnType<typeof makePort>
