/**
 * What the library says of itself, in the words of the command: its options, and not the library's members.
 */
import * as ConfigError from "effect/ConfigError"
import type * as Diagnosis from "../Diagnosis.js"

const optionOf = (member: string | undefined) =>
  member === "region"
    ? "--region"
    : member === "dataEndpoint" || member === "controlEndpoint"
    ? "--endpoint"
    : undefined

/**
 * What is wrong with an option that `Config` looked at; nothing where it was a variable.
 *
 * @internal
 */
export const brokenOption = (error: ConfigError.ConfigError): string | undefined => {
  const option = error._op === "InvalidData" ? optionOf(error.path[0]) : undefined
  return option === undefined || error._op !== "InvalidData" ? undefined : `${option}: ${error.message}`
}

/**
 * Where the region is missing, the option is what to pass.
 *
 * @internal
 */
export const inFlags = (error: ConfigError.ConfigError): ConfigError.ConfigError =>
  error._op === "MissingData" && error.path[0] === "AWS_REGION"
    ? ConfigError.MissingData(
      ["AWS_REGION"],
      "no AWS region: pass --region, or set AWS_REGION or AWS_DEFAULT_REGION, or `region` in the profile"
    )
    : error

const checkEndpoint =
  "Check --endpoint (or AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL and " +
  "AWS_ENDPOINT_URL), --region, and the proxy between here and there."

const shellFixes: { readonly [cause in Diagnosis.Cause]?: Partial<Diagnosis.Diagnosis> } = {
  LinkedToService: {
    fix: "Create a workload identity of your own with `agentcore-identity workloads create`, and pass it as --workload."
  },
  SessionInvalid: {
    fix: "Complete with the very --user, or the very --user-token, with which the token was asked for; " +
      "if the session is over, ask for the token again."
  },
  ReturnUrlMissing: {
    fix: "Pass --callback-url."
  },
  ReturnUrlNotRegistered: {
    fix: "Register it with `agentcore-identity workloads add-return-url`, or pass one that is registered as " +
      "--callback-url."
  },
  StateOrSessionMalformed: {
    explanation: "Most often the session is still percent-encoded.",
    fix: "Decode session_id once, and pass it as --session."
  },
  ExchangeRefused: {
    fix: "Check at the provider: the client's permission to exchange, --audience and --scope, and the subject token " +
      "type it wants."
  },
  EndpointUnreachable: { fix: checkEndpoint },
  ReplyNotFromAws: { fix: checkEndpoint }
}

/**
 * The same diagnosis, with what to do about it from a shell.
 *
 * @internal
 */
export const forShell = (diagnosis: Diagnosis.Diagnosis): Diagnosis.Diagnosis => ({
  ...diagnosis,
  ...shellFixes[diagnosis.cause]
})
