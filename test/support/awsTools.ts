/** AWS's own tools, where this machine has them in a version that knows AgentCore Identity. */
import { spawnSync } from "node:child_process"

const run = (command: string, ...args: ReadonlyArray<string>) => spawnSync(command, args, { timeout: 60_000 })

const found = (
  version: ReturnType<typeof run>,
  knows: () => ReturnType<typeof run>
): string | undefined => version.status !== 0 ? "not installed" : knows().status === 0 ? undefined : "too old"

/** Why the AWS CLI cannot be tried; undefined if it can. It asks for a request's form, which needs no network. */
export const awsCli = (): string | undefined =>
  found(
    run("aws", "--version"),
    () => run("aws", "bedrock-agentcore", "get-workload-access-token-for-user-id", "--generate-cli-skeleton", "input")
  )

/** The same of boto3. */
export const boto3 = (): string | undefined =>
  found(run("python3", "-c", "import boto3"), () =>
    run(
      "python3",
      "-c",
      "import boto3, sys\nsys.exit('bedrock-agentcore' not in boto3.session.Session().get_available_services())"
    ))

/** The AWS CLI's major version; 0 if there is none. */
export const awsCliMajor = (): number =>
  Number(/^aws-cli\/(\d+)/.exec(String(run("aws", "--version").stdout))?.[1] ?? 0)
