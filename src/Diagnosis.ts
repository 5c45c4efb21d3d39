/**
 * Explanations and remedies for error messages of the service, as far as they are known from live use.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import type { IdentityError } from "./IdentityError.js"

/**
 * Cause of an error, as a value that a program can test.
 *
 * @since 0.1.0
 * @category models
 */
export type Cause =
  | "LinkedToService"
  | "SessionInvalid"
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
 * Cause of an error, with an explanation and a remedy.
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
  /** Tests the message or the code. The wordings were observed in live use and are not documented. */
  readonly matches: (text: string) => boolean
}

const pattern = (pattern: RegExp) => (text: string): boolean => pattern.test(text)

/** Tests if `text` contains `first` and, after it, one of `later`; ignores case. */
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
    explanation:
      "The workload identity belongs to AgentCore Runtime or Gateway, and only that service can request tokens for it.",
    fix: "Take the workload access token from the headers of the invocation (WorkloadAccessToken.layerHeaders), " +
      "or create another workload identity."
  },
  {
    cause: "SessionInvalid",
    tags: ["AccessDenied"],
    matches: pattern(/invalid or expired session/i),
    explanation:
      "The consent session has expired (after 10 minutes), was completed before, or belongs to another user. " +
      "The service does not report which.",
    fix: "Complete it with the same user id or the same JWT that the workload access token was requested with. " +
      "If the session has expired, request the token again."
  },
  {
    cause: "ReturnUrlMissing",
    tags: ["ValidationError"],
    matches: pattern(/must provide a ResourceOauth2ReturnUrl/i),
    explanation: "A token that needs consent requires a return URL, in the first request and in each poll.",
    fix: "Pass callbackUrl."
  },
  {
    cause: "ReturnUrlNotRegistered",
    tags: ["ValidationError"],
    matches: pattern(/must register and use at least one ResourceOauth2ReturnUrl/i),
    explanation:
      "The return URL is not registered for the workload identity. It must match exactly, including scheme, " +
      "host, port, path and trailing slash.",
    fix: "Register it with addReturnUrl, or pass a registered URL."
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
    explanation: "The authorization server rejected the on-behalf-of exchange. The request was well formed.",
    fix: "Check at the provider: the permission of the client to exchange tokens, the audience, the scopes, and the " +
      "required subject token type (customParameters: { subject_token_type })."
  },
  {
    cause: "ProviderRefused",
    tags: ["ValidationError"],
    matches: pattern(/failed to retrieve token/i),
    explanation: "The authorization server did not issue a token. The service does not report the reason.",
    fix:
      "Check the client id, the client secret, the scopes and the token endpoint of the provider. An EXTERNAL secret " +
      "must exist and contain the JSON key."
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
      "The response is not from AWS, but for example from the login page of a proxy. The request may not have been executed.",
    fix: "Check the region, the options dataEndpoint and controlEndpoint and the AWS_ENDPOINT_URL variables, and the " +
      "proxy or captive portal between here and there."
  },
  {
    cause: "AwsCredentialsMissing",
    tags: ["TransportFailure"],
    matches: pattern(/credentials/i),
    explanation: "No AWS credentials were found, so the request was not sent.",
    fix: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, set AWS_PROFILE, or attach a role to the machine."
  },
  {
    cause: "AwsCredentialsRefused",
    tags: ["UnknownServiceError"],
    matches: pattern(
      /InvalidSignature|UnrecognizedClient|ExpiredToken|IncompleteSignature|MissingAuthenticationToken/i
    ),
    explanation:
      "AWS rejected the signature: the credentials are wrong or expired, or the clock of this machine is wrong.",
    fix: "Renew the AWS credentials, and check the clock."
  }
]

/**
 * Returns the cause and the remedy of an error, or `None` if its message is not known.
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
 * Returns the explanation and the remedy in one line, or the message of the error if it is not known.
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
