/** The test controls of a local server, as `consent list`, `approve` and `deny` use them. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
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

const Sessions = Schema.Struct({ sessions: Schema.Array(Session) })

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

const send = (origin: string, request: HttpClientRequest.HttpClientRequest) =>
  HttpClient.execute(request).pipe(
    Effect.flatMap((response) => Effect.map(response.text, (body) => ({ body, status: response.status }))),
    Effect.mapError(() => unavailable(`no local server answers at ${origin}`)),
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

/** The test controls at the endpoint that the options select. */
export const connect = (given: Pick<Client.Common, "endpoint">) =>
  Effect.map(originOf(given), (origin) => ({
    sessions: Effect.map(
      call(origin, HttpClientRequest.get(`${origin}/_local/sessions`), Sessions),
      ({ sessions }) => sessions
    ),
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
