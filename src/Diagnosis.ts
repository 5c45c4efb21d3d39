/**
 * Explanations and remedies for error messages of the service, as far as they are known from live use.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { find, type IdentityError } from "./IdentityError.js"
import { searchWrapped } from "./internal/lib/searchWrapped.js"
import type { BindingRefused } from "./SessionBinding.js"
import type { WorkloadAccessTokenMissing } from "./WorkloadAccessToken.js"

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
  | "IamDenied"
  | "SecretNotReadable"
  | "VendorResponseUnreadable"
  | "WorkloadAccessTokenMissing"
  | BindingRefused["reason"]

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

interface Rule extends Omit<Diagnosis, "cause"> {
  readonly cause: Exclude<Cause, "IamDenied" | "WorkloadAccessTokenMissing" | BindingRefused["reason"]>
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
    cause: "SecretNotReadable",
    tags: ["AccessDenied", "ValidationError", "UnknownServiceError"],
    matches: (text) =>
      /access denied when retrieving secret/i.test(text) ||
      containsInOrder("is not authorized to perform", "secretsmanager:")(text),
    explanation:
      "The caller's AWS credentials may not use the secret in AWS Secrets Manager that holds the credential of " +
      "the provider.",
    fix:
      "Allow the action, usually secretsmanager:GetSecretValue, on the secret in a policy of the caller; if the secret is " +
      "encrypted with a key of your account, allow kms:Decrypt on that key too."
  },
  {
    cause: "VendorResponseUnreadable",
    tags: ["ValidationError", "InternalServerError", "UnknownServiceError"],
    matches: containsInOrder("error parsing", "response"),
    explanation:
      "The token endpoint of the provider did not answer with a token response. The service does not report what " +
      "it answered.",
    fix:
      "Send the same request to the token endpoint with curl: the answer must be JSON with access_token and token_type " +
      "(RFC 6749, section 5.1). Check the token endpoint, the client authentication method, the client id and secret, and " +
      "the scopes of the provider."
  },
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
    matches: pattern(/invalid or expired session|session belongs to another user/i),
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

// No ARN is longer than 2,048 characters, and none contains a control character that would reach a terminal.
const iamDenial = /is not authorized to perform: ([!-~]{1,2048})(?: on resource: ([!-~]{1,2048}))?/i

/** AWS states the action and the resource of a denial, and if a policy denies it explicitly. */
const iamDenied = (error: DiagnosableError): Option.Option<Diagnosis> => {
  if (error._tag !== "AccessDenied" && error._tag !== "UnknownServiceError") return Option.none()
  return Option.map(Option.fromNullable(iamDenial.exec(error.message)), ([, action, resource]) => {
    const request = resource === undefined ? `${action}` : `${action} on ${resource}`
    return {
      cause: "IamDenied",
      explanation: `The caller's AWS credentials are not allowed to perform ${request}.`,
      fix: /explicit deny/i.test(error.message)
        ? `A policy denies it explicitly: remove or narrow that statement. An allow statement does not override it.`
        : `Allow ${request} in a policy of the caller, and check permissions boundaries and service control policies.`
    }
  })
}

const bindingFixes: { readonly [reason in BindingRefused["reason"]]: Omit<Diagnosis, "cause"> } = {
  OriginInvalid: {
    explanation: "Browsers can only return to an origin with https, or to http on loopback.",
    fix: "Set the origin of SessionBinding to the scheme, host and port at which browsers reach the application."
  },
  PathInvalid: {
    explanation: "The path of the start page, or the URL of the page that follows a consent, is not usable.",
    fix: "Set startPath to a path without a query, such as /oauth2/start, and doneUrl to a path or an https URL."
  },
  StateTooWeak: {
    explanation: "The custom state can be guessed, so another browser could return with it.",
    fix: "Pass `customState: yield* SessionBinding.customState` in the token request."
  },
  StateUsed: {
    explanation: "Another consent has the same custom state.",
    fix: "Generate a value for each token request with `yield* SessionBinding.customState`."
  },
  ReturnUrlForeign: {
    explanation: "The user would return to another page than the return page of SessionBinding.",
    fix: "Pass as callbackUrl a URL of the application, without a query, at which returnPage is mounted."
  },
  EndpointNotLocal: {
    explanation:
      "The automatic return page completes a consent for any browser, which is safe on a local machine only.",
    fix:
      "Use SessionBinding with the current user, or run the automatic return page on loopback against a local server."
  }
}

/**
 * The errors that `diagnose` accepts.
 *
 * @since 0.1.0
 * @category models
 */
export type DiagnosableError = IdentityError | BindingRefused | WorkloadAccessTokenMissing

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
export const diagnose = (error: DiagnosableError): Option.Option<Diagnosis> => {
  if (error._tag === "BindingRefused") return Option.some({ cause: error.reason, ...bindingFixes[error.reason] })
  if (error._tag === "WorkloadAccessTokenMissing") {
    return Option.some({
      cause: "WorkloadAccessTokenMissing",
      explanation: "AgentCore Runtime adds a workload access token only to an invocation that names a user.",
      fix:
        "Invoke the agent with a JWT that the runtime accepts, or with the header X-Amzn-Bedrock-AgentCore-Runtime-User-Id. " +
        "On a local machine, provide WorkloadAccessToken.layer."
    })
  }
  const text = error._tag === "UnknownServiceError" ? `${error.code} ${error.message}` : error.message
  return Arr.findFirst(rules, ({ matches, tags }) => tags.includes(error._tag) && matches(text)).pipe(
    Option.map(({ cause, explanation, fix }): Diagnosis => ({ cause, explanation, fix })),
    Option.orElse(() => iamDenied(error))
  )
}

const isBindingRefused = (value: object): value is BindingRefused =>
  Predicate.isTagged(value, "BindingRefused") && Predicate.hasProperty(value, "reason") &&
  typeof value.reason === "string" && value.reason in bindingFixes

/** Tests for the errors that are not part of `IdentityError`. */
const isUnlisted = (value: object): value is BindingRefused | WorkloadAccessTokenMissing =>
  isBindingRefused(value) || Predicate.isTagged(value, "WorkloadAccessTokenMissing")

/**
 * Returns the explanation and the remedy of an error that a framework caught or wrapped, as {@link explain} does: searches it
 * as `IdentityError.find` does. `None` if it contains no error of this library.
 *
 * @example
 * ```ts
 * import { Option } from "effect"
 * import { Diagnosis } from "effect-agentcore-identity"
 *
 * export const messageOf = (caught: unknown) =>
 *   Option.getOrElse(Diagnosis.explainUnknown(caught), () => "The tool failed.")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const explainUnknown = (value: unknown): Option.Option<string> =>
  Option.orElse(
    find(value),
    () => searchWrapped<DiagnosableError>(value, (one) => Option.liftPredicate(isUnlisted)(one))
  ).pipe(Option.map(explain))

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
export const explain = (error: DiagnosableError): string =>
  Option.match(diagnose(error), {
    onNone: () => error.message,
    onSome: ({ explanation, fix }) => `${explanation} ${fix}`
  })
