/**
 * What all pages of help have in common.
 */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Arr from "effect/Array"

// Without a subcommand they show their help.
const groups = ["consent", "workloads", "providers"]

const isHelp = (arg: string) => arg === "--help" || arg === "-h"

/**
 * The parser names a subcommand by its whole path only where each command of the path is asked for help.
 *
 * @internal
 */
export const wholeName = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [executable, args] = Arr.splitAt(argv, 2)
  const names = Arr.takeWhile(args, (arg) => !arg.startsWith("-"))
  const isAsked = Arr.takeWhile(args, (arg) => arg !== "--").some(isHelp) ||
    args.length === 1 && groups.includes(names[0] ?? "")
  return isAsked && names.length > 0
    ? [...executable, "--help", ...names.flatMap((name) => [name, "--help"])]
    : argv
}

const section = (title: string, lines: Arr.NonEmptyReadonlyArray<string>) =>
  HelpDoc.sequence(HelpDoc.h1(title), HelpDoc.enumeration(Arr.map(lines, (line) => HelpDoc.p(line))))

/** @internal */
export const footer: HelpDoc.HelpDoc = HelpDoc.sequence(
  section("EXIT CODES", [
    "0    done; for serve also when Ctrl-C or SIGTERM ended it",
    "1    it failed: what the service says, a file, the network",
    "2    token: a user's consent is required, and the URL is on stderr",
    "64   the arguments are wrong, and nothing was done",
    "130  ended by SIGINT (Ctrl-C) before it was done",
    "143  ended by SIGTERM before it was done"
  ]),
  section("ENVIRONMENT", [
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE: the AWS credentials, as for every tool " +
    "of AWS; a service of this machine needs none",
    "AWS_REGION, AWS_DEFAULT_REGION: the region without --region",
    "AWS_ENDPOINT_URL_BEDROCK_AGENTCORE, AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL, BEDROCK_AGENTCORE_DP_ENDPOINT, " +
    "BEDROCK_AGENTCORE_CP_ENDPOINT, AWS_ENDPOINT_URL: the endpoints without --endpoint"
  ])
)
