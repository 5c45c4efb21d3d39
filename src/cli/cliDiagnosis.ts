/** Diagnoses for the command line: with options of the command instead of options of the library. */
import * as ConfigError from "effect/ConfigError"
import type * as Diagnosis from "../Diagnosis.js"
import { TransportFailure } from "../IdentityError.js"
import { missingCredentials, withoutAdvice } from "../internal/aws/credentialFailures.js"

const optionOf = (member: string | undefined) =>
  member === "region"
    ? "--region"
    : member === "dataEndpoint" || member === "controlEndpoint"
    ? "--endpoint"
    : undefined

/** The message for an invalid option. `undefined` if the invalid value came from an environment variable. */
export const invalidOption = (error: ConfigError.ConfigError): string | undefined => {
  const option = error._op === "InvalidData" ? optionOf(error.path[0]) : undefined
  return option === undefined || error._op !== "InvalidData" ? undefined : `${option}: ${error.message}`
}

/** Adds `--region` to the message about a missing region. */
export const withRegionOption = (error: ConfigError.ConfigError): ConfigError.ConfigError =>
  error._op === "MissingData" && error.path[0] === "AWS_REGION"
    ? ConfigError.MissingData(
      ["AWS_REGION"],
      "no AWS region: pass --region, or set AWS_REGION or AWS_DEFAULT_REGION, or `region` in the profile"
    )
    : error

/**
 * Removes the advice of the library from the message about missing credentials, since the diagnosis has one for the command
 * line, and names the profile that gave none. The SDK ignores the keys of the environment if `AWS_PROFILE` is set.
 */
export const withProfile = (profile: string | undefined) => <E>(error: E): E | TransportFailure => {
  if (!(error instanceof TransportFailure) || error.reason !== "Credentials") return error
  const message = withoutAdvice(error.message)
  return new TransportFailure({
    ...error,
    message: profile === undefined
      ? message
      : message.replace(missingCredentials, `nothing was sent: the AWS profile '${profile}' gave no credentials`)
  })
}

const checkEndpoint =
  "Check --endpoint (or AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL and " +
  "AWS_ENDPOINT_URL), --region, and the proxy."

const shellFixes: { readonly [cause in Diagnosis.Cause]?: Partial<Diagnosis.Diagnosis> } = {
  LinkedToService: {
    fix: "Create a workload identity with `agentcore-identity workloads create`, and pass it as --workload."
  },
  SessionInvalid: {
    fix: "Complete with the --user or --user-token with which the token was requested; " +
      "if the session is over, request the token again."
  },
  ReturnUrlMissing: {
    fix: "Pass --callback-url."
  },
  ReturnUrlNotRegistered: {
    fix: "Register it with `agentcore-identity workloads add-return-url`, or pass one that is registered as " +
      "--callback-url."
  },
  StateOrSessionMalformed: {
    explanation: "Usually the session is still percent-encoded.",
    fix: "Decode session_id once, and pass it as --session."
  },
  ExchangeRefused: {
    fix:
      "Check the token exchange permission of the client at the provider, --audience, --scope, and the subject token " +
      "type."
  },
  AwsCredentialsMissing: {
    explanation: "Requests to AWS are signed.",
    fix: "Set AWS_PROFILE to a profile with credentials (for SSO, run 'aws sso login' first), or unset it and set " +
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role to the machine."
  },
  EndpointUnreachable: { fix: checkEndpoint },
  ReplyNotFromAws: { fix: checkEndpoint }
}

const vendorCauses: ReadonlyArray<Diagnosis.Cause> = ["ExchangeRefused", "ProviderRefused", "VendorResponseUnreadable"]

// The local server records what the vendor answered. AWS does not report it.
const failuresOf = (cause: Diagnosis.Cause, server: string | undefined) =>
  server !== undefined && vendorCauses.includes(cause)
    ? ` If the provider is federated, ${server}/_local/provider-failures lists what its authorization server answered.`
    : ""

/** Replaces the fix of a diagnosis by one for the command line. `server` is the URL of the local server, if there is one. */
export const forShell = (server: string | undefined) => (diagnosis: Diagnosis.Diagnosis): Diagnosis.Diagnosis => {
  const shown = { ...diagnosis, ...shellFixes[diagnosis.cause] }
  return { ...shown, fix: shown.fix + failuresOf(shown.cause, server) }
}
