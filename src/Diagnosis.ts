/**
 * What the service's opaque messages mean, as far as users have found out, and what to do about it.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import type { IdentityError } from "./IdentityError.js"

/**
 * What is behind an error, by a name that a program can act on.
 *
 * @since 0.1.0
 * @category models
 */
export type Cause =
  | "LinkedToService"
  | "SessionNotYours"
  | "ReturnUrlMissing"
  | "ReturnUrlNotRegistered"
  | "StateOrSessionMalformed"
  | "ExchangeRefused"
  | "ProviderRefused"
  | "AwsCredentialsMissing"
  | "AwsCredentialsRefused"
  | "EndpointUnreachable"
  | "ReplyNotFromAws"

/**
 * A cause and its remedy, in words.
 *
 * @since 0.1.0
 * @category models
 */
export interface Diagnosis {
  readonly cause: Cause
  readonly explanation: string
  readonly fix: string
}

interface Rule extends Diagnosis {
  readonly tags: ReadonlyArray<IdentityError["_tag"]>
  /** What the error's message, or its code, says; the wordings were seen in live use and are not documented. */
  readonly matches: (text: string) => boolean
}

const pattern = (pattern: RegExp) => (text: string): boolean => pattern.test(text)

/** Whether `text` has `first` and, somewhere behind it, one of `later`, in letters of either case. */
const containsInOrder = (first: string, ...later: ReadonlyArray<string>) => (text: string): boolean => {
  const lower = text.toLowerCase()
  const at = lower.indexOf(first)
  return at !== -1 && later.some((part) => lower.includes(part, at + first.length))
}

const rules: ReadonlyArray<Rule> = [
  {
    cause: "LinkedToService",
    tags: ["AccessDenied", "ValidationError"],
    matches: pattern(/WorkloadIdentity is linked to a service/i),
    explanation: "The workload identity belongs to AgentCore Runtime or Gateway, which alone gets tokens for it.",
    fix: "Take the workload access token from the headers of the invocation (WorkloadAccessToken.layerHeaders), " +
      "or create a workload identity of your own."
  },
  {
    cause: "SessionNotYours",
    tags: ["AccessDenied"],
    matches: pattern(/invalid or expired session/i),
    explanation: "The consent session is over (it lives ten minutes and completes once), or it belongs to somebody " +
      "else: the service does not say which.",
    fix: "Complete with the very user id, or the very JWT string, that minted the workload access token; " +
      "if the session is over, ask for the token again."
  },
  {
    cause: "ReturnUrlMissing",
    tags: ["ValidationError"],
    matches: pattern(/must provide a ResourceOauth2ReturnUrl/i),
    explanation: "A person's consent needs a page to return to, on the first request and on each poll.",
    fix: "Pass callbackUrl."
  },
  {
    cause: "ReturnUrlNotRegistered",
    tags: ["ValidationError"],
    matches: pattern(/must register and use at least one ResourceOauth2ReturnUrl/i),
    explanation: "The return URL is not on the workload identity's list; it has to match to the letter, with scheme, " +
      "host, port, path and trailing slash.",
    fix: "Register it with addReturnUrl, or pass one that is registered."
  },
  {
    cause: "StateOrSessionMalformed",
    tags: ["ValidationError"],
    matches: containsInOrder("requesturi", "failed to satisfy constraint", "pattern"),
    explanation: "Most often customState contains a colon, or the session URI is still percent-encoded.",
    fix: "Encode customState as base64url, and decode session_id once before completing with it."
  },
  {
    cause: "ExchangeRefused",
    tags: ["ValidationError"],
    matches: pattern(/token exchange failed/i),
    explanation: "The authorization server refused the on-behalf-of exchange; the request itself was well formed.",
    fix: "Check at the provider: the client's permission to exchange, the audience and scopes, and the subject token " +
      "type it wants (customParameters: { subject_token_type })."
  },
  {
    cause: "ProviderRefused",
    tags: ["ValidationError"],
    matches: pattern(/failed to retrieve token/i),
    explanation: "The authorization server did not give a token, and the service does not say why.",
    fix:
      "Check the provider's client id and secret, its scopes and its token endpoint; an EXTERNAL secret must exist " +
      "and hold the JSON key."
  },
  {
    cause: "EndpointUnreachable",
    tags: ["TransportFailure"],
    matches: pattern(/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN|CERT|self.signed/i),
    explanation: "No service answers at the endpoint.",
    fix: "Check the region, the options dataEndpoint and controlEndpoint and the AWS_ENDPOINT_URL variables, and the " +
      "proxy between here and there."
  },
  {
    cause: "ReplyNotFromAws",
    tags: ["UndecodableReply"],
    matches: pattern(/is not from AWS/i),
    explanation:
      "Something else than AWS answered, such as the login page of a proxy; nothing is known to have been done.",
    fix: "Check the region, the options dataEndpoint and controlEndpoint and the AWS_ENDPOINT_URL variables, and the " +
      "proxy or captive portal between here and there."
  },
  {
    cause: "AwsCredentialsMissing",
    tags: ["TransportFailure"],
    matches: pattern(/credentials/i),
    explanation: "No AWS credentials were found, so nothing was sent.",
    fix: "Give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine."
  },
  {
    cause: "AwsCredentialsRefused",
    tags: ["UnknownServiceError"],
    matches: pattern(
      /InvalidSignature|UnrecognizedClient|ExpiredToken|IncompleteSignature|MissingAuthenticationToken/i
    ),
    explanation: "AWS does not accept the signature: the keys are wrong or over, or this machine's clock is.",
    fix: "Renew the AWS credentials, and check the clock."
  }
]

/**
 * The cause and the remedy of an error whose wording is known. What is not known stays so: `Option.none`.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { Diagnosis, type IdentityError } from "effect-agentcore-identity"
 *
 * export const explain = (error: IdentityError.IdentityError) =>
 *   Option.match(Diagnosis.diagnose(error), {
 *     onNone: () => Effect.logError(error),
 *     onSome: ({ explanation, fix }) => Effect.logError(`${explanation} ${fix}`)
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const diagnose = (error: IdentityError): Option.Option<Diagnosis> =>
  Arr.findFirst(
    rules,
    ({ matches, tags }) =>
      tags.includes(error._tag) &&
      matches(error._tag === "UnknownServiceError" ? `${error.code} ${error.message}` : error.message)
  ).pipe(Option.map(({ cause, explanation, fix }) => ({ cause, explanation, fix })))

/**
 * The remedy in one line, or the error's own message where none is known.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Diagnosis, IdentityService } from "effect-agentcore-identity"
 *
 * export const program = Effect.flatMap(IdentityService.IdentityService, (identity) =>
 *   identity.getTokenVault({}).pipe(Effect.tapError((error) => Effect.logError(Diagnosis.explain(error)))))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const explain = (error: IdentityError): string =>
  Option.match(diagnose(error), {
    onNone: () => error.message,
    onSome: ({ explanation, fix }) => `${explanation} ${fix}`
  })
