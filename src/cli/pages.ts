/** What the help pages add to the options: examples, and the shape of JSON files. */
import type * as Arr from "effect/Array"
import { bodies } from "./bodies.js"

/** A JSON file that an option takes, and an example of its content. */
export interface File {
  readonly option: `--${string}`
  /** What distinguishes this file from another one of the same option, for the title. */
  readonly kind?: string
  readonly about: string
  readonly body: object
}

/** @internal */
export interface Page {
  readonly examples: Arr.NonEmptyReadonlyArray<string>
  readonly files?: ReadonlyArray<File>
}

const oauth2Files: ReadonlyArray<File> = [
  { option: "--file", kind: "VENDOR", about: "An OAuth2 provider of a vendor, for example:", body: bodies.github },
  {
    option: "--file",
    kind: "OTHER AUTHORIZATION SERVER",
    about: "An OAuth2 provider of any other authorization server, for example:",
    body: bodies.custom
  }
]

const paymentFiles: ReadonlyArray<File> = [{
  option: "--file",
  about: "A payment provider, for example:",
  body: bodies.wallet
}]

const arn =
  "arn:aws:bedrock-agentcore:us-east-1:123456789012:workload-identity-directory/default/workload-identity/my-agent"

const tagged = (rest: string) => `${rest} --arn ${arn}`

/** The page of each command, by its name. */
export const pages: { readonly [path: string]: Page } = {
  "": {
    examples: [
      "agentcore-identity serve",
      "agentcore-identity workloads list --endpoint http://127.0.0.1:4599",
      "agentcore-identity token --help"
    ]
  },
  serve: {
    examples: [
      "agentcore-identity serve",
      "agentcore-identity serve --port 0 --seed seed.json --log-level debug",
      "agentcore-identity serve --data state --quota oauth2-providers=500"
    ],
    files: [{
      option: "--seed",
      about: "Every member is optional. The lists have the requests of the Create operations of AWS. For example:",
      body: bodies.seed
    }]
  },
  token: {
    examples: [
      "agentcore-identity token --provider github --flow m2m --scope repo --workload my-agent",
      "agentcore-identity token --provider github --flow user --scope repo --workload my-agent --user ada " +
      "--callback-url http://localhost:3000/return --wait",
      "agentcore-identity token --provider custom --flow obo --scope read --workload my-agent --user-token jwt.txt " +
      "--custom-parameter subject_token_type=urn:ietf:params:oauth:token-type:jwt"
    ]
  },
  "api-key": {
    examples: ["agentcore-identity api-key --provider weather --workload my-agent --user ada"]
  },
  "workload-token": {
    examples: [
      "agentcore-identity workload-token --workload my-agent --user ada",
      "agentcore-identity workload-token --workload my-agent --user-token - --json < jwt.txt"
    ]
  },
  consent: { examples: ["agentcore-identity consent list --endpoint http://127.0.0.1:4599"] },
  "consent list": { examples: ["agentcore-identity consent list --endpoint http://127.0.0.1:4599"] },
  "consent approve": {
    examples: [
      "agentcore-identity consent approve --endpoint http://127.0.0.1:4599",
      "agentcore-identity consent approve --session 3 --complete",
      "agentcore-identity consent approve --user ada --provider github"
    ]
  },
  "consent deny": { examples: ["agentcore-identity consent deny --session 3"] },
  "consent complete": {
    examples: [
      "agentcore-identity consent complete --session - --user ada < return-url.txt",
      "agentcore-identity consent complete --session 3 --endpoint http://127.0.0.1:4599"
    ]
  },
  workloads: { examples: ["agentcore-identity workloads list"] },
  "workloads list": { examples: ["agentcore-identity workloads list"] },
  "workloads get": { examples: ["agentcore-identity workloads get --name my-agent"] },
  "workloads create": {
    examples: ["agentcore-identity workloads create --name my-agent --return-url http://localhost:3000/return"]
  },
  "workloads update": {
    examples: [
      "agentcore-identity workloads update --name my-agent --return-url https://agent.example/return",
      "agentcore-identity workloads update --name my-agent --no-return-urls"
    ]
  },
  "workloads add-return-url": {
    examples: ["agentcore-identity workloads add-return-url --name my-agent --url https://agent.example/return"]
  },
  "workloads remove-return-url": {
    examples: ["agentcore-identity workloads remove-return-url --name my-agent --url https://agent.example/return"]
  },
  "workloads delete": { examples: ["agentcore-identity workloads delete --name my-agent"] },
  providers: { examples: ["agentcore-identity providers list"] },
  "providers list": { examples: ["agentcore-identity providers list --json"] },
  "providers get": { examples: ["agentcore-identity providers get --kind oauth2 --name github"] },
  "providers create-oauth2": {
    examples: [
      "agentcore-identity providers create-oauth2 --file github.json",
      "agentcore-identity providers create-oauth2 --file - < custom.json"
    ],
    files: oauth2Files
  },
  "providers create-api-key": {
    examples: [
      "agentcore-identity providers create-api-key --name weather < key.txt",
      "agentcore-identity providers create-api-key --name maps --secret-id maps-secret --json-key key"
    ]
  },
  "providers create-payment": {
    examples: ["agentcore-identity providers create-payment --file wallet.json"],
    files: paymentFiles
  },
  "providers update-oauth2": {
    examples: ["agentcore-identity providers update-oauth2 --file github.json"],
    files: oauth2Files
  },
  "providers update-api-key": {
    examples: ["agentcore-identity providers update-api-key --name weather < key.txt"]
  },
  "providers update-payment": {
    examples: ["agentcore-identity providers update-payment --file wallet.json"],
    files: paymentFiles
  },
  "providers delete": { examples: ["agentcore-identity providers delete --kind oauth2 --name github"] },
  tags: { examples: [tagged("agentcore-identity tags list")] },
  "tags list": { examples: [tagged("agentcore-identity tags list")] },
  "tags add": { examples: [tagged("agentcore-identity tags add --tag team=support")] },
  "tags remove": { examples: [tagged("agentcore-identity tags remove --key team")] },
  policies: { examples: [tagged("agentcore-identity policies get")] },
  "policies get": { examples: [tagged("agentcore-identity policies get")] },
  "policies put": {
    examples: [tagged("agentcore-identity policies put --file policy.json")],
    files: [{ option: "--file", about: "A policy, for example:", body: bodies.policy }]
  },
  "policies delete": { examples: [tagged("agentcore-identity policies delete")] },
  vault: { examples: ["agentcore-identity vault get"] },
  "vault get": { examples: ["agentcore-identity vault get --json"] },
  "vault set-key": {
    examples: [
      "agentcore-identity vault set-key --key-arn " +
      "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
      "agentcore-identity vault set-key --service-key"
    ]
  },
  portals: { examples: ["agentcore-identity portals list"] },
  "portals list": { examples: ["agentcore-identity portals list"] },
  "portals get": { examples: ["agentcore-identity portals get --id my-portal-0123456789"] },
  "portals create": {
    examples: ["agentcore-identity portals create --file portal.json"],
    files: [{ option: "--file", about: "A consent portal, for example:", body: bodies.newPortal }]
  },
  "portals update": {
    examples: ["agentcore-identity portals update --file portal.json"],
    files: [{ option: "--file", about: "The members to change, for example:", body: bodies.portal }]
  },
  "portals delete": { examples: ["agentcore-identity portals delete --id my-portal-0123456789"] }
}
