/** The texts of a failure to find AWS credentials: the problem, the reason that the SDK gives, and the advice. */

/** The problem if no credentials were found. */
export const missingCredentials = "nothing was sent, most often for want of AWS credentials"

const advice = {
  missing:
    ". Pass `credentials`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role is " +
    "attached",
  slow: ". Check the option `credentials`, the profile and the role of this machine"
}

// The messages of the SDK may contain the output of a program or a response, and thus secrets. So each of these patterns is
// replaced by a fixed text.
const reasons: ReadonlyArray<readonly [pattern: RegExp, reason: string]> = [
  [
    /^Could not resolve credentials using profile: \[.*\] in configuration\/credentials file\(s\)\.$/s,
    "the profile does not exist or has no credentials"
  ],
  [/^Profile .* (?:was not found|could not be found in shared credentials file)\.$/s, "the profile does not exist"],
  [
    /^(?:The SSO session (?:token )?associated with (?:this profile|profile=.*) (?:has expired|is invalid|was not found or is invalid)\.|Token is expired\.)/s,
    "the SSO session does not exist or has expired"
  ],
  [
    /^(?:Profile is configured with invalid SSO credentials|Conflicting SSO |Sso session '.*' |Profile .* is not configured with SSO credentials)/s,
    "the SSO settings of the profile are invalid"
  ],
  [/^Profile .* requires multi-factor authentication/s, "the profile requires multi-factor authentication"],
  [/^Command failed: /, "the credential_process of the profile failed"],
  [
    /^Profile .* credential_process (?:did not return|returned) /s,
    "the credential_process of the profile returned invalid or expired credentials"
  ],
  [
    /^Could not load credentials from any providers$/,
    "no source has any; a profile must exist, and its credential_process succeed"
  ]
]

/** The reason that a message of the SDK states, without any of its text. `undefined` if the message is unknown. */
export const reasonOf = (message: string): string | undefined => reasons.find(([pattern]) => pattern.test(message))?.[1]

/** The message if no credentials were found. */
export const missing = (details: string): string => `${missingCredentials}${details}${advice.missing}`

/** The message if the provider of the credentials did not answer within a time. */
export const slow = (within: string): string =>
  `nothing was sent: the provider of the AWS credentials did not answer within ${within}${advice.slow}`

/** Removes the advice from a message. It names an option of the library, which a command line does not have. */
export const withoutAdvice = (message: string): string =>
  Object.values(advice).reduce((text, end) => text.endsWith(end) ? text.slice(0, -end.length) : text, message)
