/** The programs that are compared: each requests one machine token, prints it, and then prints the processor time it took. */

const request = {
  providerName: "github",
  scopes: ["repo"]
}

/** The token of `fixedReply.ts`. */
export const token = "token"

const printed = (value: string) => `console.log(JSON.stringify({ token: ${value}, cpu: process.cpuUsage() }))`

/** A program with this library, whose modules are under `library`. */
export const withLibrary = (library: string) =>
  `import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AccessToken from "${library}/AccessToken.js"
import * as AwsIdentity from "${library}/AwsIdentity.js"
import * as IdentityService from "${library}/IdentityService.js"
import * as WorkloadAccessToken from "${library}/WorkloadAccessToken.js"
const program = Effect.map(AccessToken.AccessToken, Redacted.value).pipe(
  AccessToken.provideAccessToken(${JSON.stringify({ ...request, authFlow: "M2M" })}),
  Effect.provideService(WorkloadAccessToken.WorkloadAccessToken, WorkloadAccessToken.fixed(Redacted.make("workload")))
)
const token = await Effect.runPromise(Effect.provide(program, Layer.provide(IdentityService.layer, AwsIdentity.layerApi())))
${printed("token")}
`

/** The library modules that the program imports. */
export const entries = ["AccessToken", "AwsIdentity", "IdentityService", "WorkloadAccessToken"]

/** A program with the client of the SDK and nothing else, after these lines. */
export const withClient = (imports: string) =>
  `${imports}
import { BedrockAgentCoreClient, GetResourceOauth2TokenCommand } from "@aws-sdk/client-bedrock-agentcore"
const client = new BedrockAgentCoreClient({ maxAttempts: 1 })
const reply = await client.send(new GetResourceOauth2TokenCommand({
  workloadIdentityToken: "workload",
  resourceCredentialProviderName: "${request.providerName}",
  scopes: ${JSON.stringify(request.scopes)},
  oauth2Flow: "M2M"
}))
${printed("reply.accessToken")}
client.destroy()
`

/** A program with the official package. */
export const withOfficialPackage = `import { withAccessToken } from "bedrock-agentcore/identity"
const request = withAccessToken(${
  JSON.stringify({ ...request, authFlow: "M2M", workloadIdentityToken: "workload" })
})(async (token) => token)
${printed("await request()")}
`
