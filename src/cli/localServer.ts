/** The test controls of a local server, as `consent list`, `approve` and `deny` use them. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as settings from "../internal/aws/settings.js"
import { timeLimit } from "../internal/lib/timeLimit.js"
import { parseUrl } from "../internal/lib/url.js"
import * as Client from "./client.js"
import { CommandFailed } from "./output.js"

/** Without its URI, which is secret. The number selects the session. */
export const Session = Schema.Struct({
  id: Schema.Int,
  status: Schema.String,
  workloadName: Schema.String,
  user: Schema.optional(Schema.String),
  providerName: Schema.String,
  scopes: Schema.Array(Schema.String),
  createdAt: Schema.String,
  expiresAt: Schema.String
})

/** @internal */
export interface Session extends Schema.Schema.Type<typeof Session> {}

const Sessions = Schema.Struct({ sessions: Schema.Array(Session), total: Schema.Int })

const Approved = Schema.Struct({ returnUrl: Schema.Redacted(Schema.String) })

const Refused = Schema.Struct({ error: Schema.String, message: Schema.String })

const remedy =
  "start one with 'agentcore-identity serve', and pass the URL that it prints as --endpoint, or set the printed variables"

const unavailable = (message: string) =>
  new CommandFailed({ reason: "LocalServerUnavailable", message: `${message}: ${remedy}` })

const notLocal = (origin: string) => unavailable(`${origin} is not a local server of this command`)

/** The origin of the local server. Fails for a host of AWS, to which nothing is sent. */
const originOf = (given: Pick<Client.Common, "endpoint">) =>
  Effect.gen(function*() {
    const endpoint = yield* settings.endpoint("data", Option.getOrUndefined(given.endpoint))
    const url = Option.getOrUndefined(parseUrl(endpoint))
    if (url === undefined) return yield* unavailable("no endpoint is set, and AWS has no test controls")
    return Client.isAwsHost(url.hostname)
      ? yield* unavailable(`${url.origin} belongs to AWS, which has no test controls; nothing was sent`)
      : url.origin
  })

const requestLimit = Duration.seconds(30)

/** A local server answers with at most 1 MiB. */
const maxBytes = 2_097_152

/** Reads a body, and ends the connection if it is too large. */
const textOf = <E>(origin: string, body: Stream.Stream<Uint8Array, E>) =>
  Stream.runFoldEffect(
    body,
    { chunks: Chunk.empty<Uint8Array>(), size: 0 },
    ({ chunks, size }, chunk) =>
      size + chunk.length > maxBytes
        ? notLocal(origin)
        : Effect.succeed({ chunks: Chunk.append(chunks, chunk), size: size + chunk.length })
  ).pipe(
    Effect.map(({ chunks }) => Buffer.concat(Chunk.toReadonlyArray(chunks)).toString("utf8"))
  )

const send = (origin: string, request: HttpClientRequest.HttpClientRequest) =>
  HttpClient.execute(request).pipe(
    Effect.flatMap((response) =>
      Effect.map(textOf(origin, response.stream), (body) => ({ body, status: response.status }))
    ),
    Effect.mapError((error) =>
      error._tag === "CommandFailed" ? error : unavailable(`no local server answers at ${origin}`)
    ),
    timeLimit({
      duration: requestLimit,
      onTimeout: () => unavailable(`${origin} did not answer within ${Duration.toSeconds(requestLimit)} seconds`)
    }),
    Effect.provide(FetchHttpClient.layer),
    // A local server does not redirect. Another service might redirect to a host of AWS.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

const parsed = <A, I>(schema: Schema.Schema<A, I>) => Schema.decodeUnknown(Schema.parseJson(schema))

const call = <A, I>(origin: string, request: HttpClientRequest.HttpClientRequest, schema: Schema.Schema<A, I>) =>
  Effect.gen(function*() {
    const { body, status } = yield* send(origin, request)
    if (status === 200) return yield* Effect.mapError(parsed(schema)(body), () => notLocal(origin))
    // The operations of AWS have other errors.
    const { message } = yield* Effect.mapError(parsed(Refused)(body), () => notLocal(origin))
    return yield* new CommandFailed({ reason: "LocalServerRefused", message })
  })

/** All sessions, oldest first. The server returns them in pages, the newest first. */
const allSessions = (
  origin: string,
  found: ReadonlyArray<Session> = []
): Effect.Effect<ReadonlyArray<Session>, CommandFailed> =>
  Effect.flatMap(
    call(origin, HttpClientRequest.get(`${origin}/_local/sessions?skip=${found.length}`), Sessions),
    ({ sessions, total }) => {
      const all = [...sessions, ...found]
      return sessions.length === 0 || all.length >= total ? Effect.succeed(all) : allSessions(origin, all)
    }
  )

/** The test controls at the endpoint that the options select. */
export const connect = (given: Pick<Client.Common, "endpoint">) =>
  Effect.map(originOf(given), (origin) => ({
    sessions: allSessions(origin),
    /** Approves a session, and returns its return URL. */
    approve: (session: number) =>
      Effect.map(
        call(
          origin,
          HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(`${origin}/_local/approve`), { session }),
          Approved
        ),
        ({ returnUrl }) => returnUrl
      ),
    /** Completes a pending or approved session as its user. */
    complete: (session: number) =>
      Effect.asVoid(
        call(
          origin,
          HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(`${origin}/_local/approve`), {
            session,
            complete: true
          }),
          Schema.Struct({})
        )
      ),
    deny: (session: number) =>
      Effect.asVoid(
        call(
          origin,
          HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(`${origin}/_local/deny`), { session }),
          Schema.Struct({})
        )
      )
  }))
