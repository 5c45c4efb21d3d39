import { Redacted } from "effect"
import { type Evidence, type Preset, presets, type PresetVendor, type Quirk } from "../../src/internal/presets/table.js"
import type * as Oauth2ProviderConfig from "../../src/Oauth2ProviderConfig.js"

export const vendors = Object.keys(presets) as ReadonlyArray<PresetVendor>

/** The smallest configuration of a vendor, with the members of `given`. */
export const configOf = (
  vendor: PresetVendor,
  given: { readonly [member: string]: string } = {},
  clientSecret = Redacted.make("secret")
): Oauth2ProviderConfig.Oauth2ProviderConfigInput => {
  const client = { clientId: "client", clientSecret, ...given }
  switch (vendor) {
    case "GoogleOauth2":
      return { googleOauth2ProviderConfig: client }
    case "GithubOauth2":
      return { githubOauth2ProviderConfig: client }
    case "SlackOauth2":
      return { slackOauth2ProviderConfig: client }
    case "SalesforceOauth2":
      return { salesforceOauth2ProviderConfig: client }
    case "MicrosoftOauth2":
      return { microsoftOauth2ProviderConfig: client }
    case "AtlassianOauth2":
      return { atlassianOauth2ProviderConfig: client }
    case "LinkedinOauth2":
      return { linkedinOauth2ProviderConfig: client }
    default:
      return { includedOauth2ProviderConfig: client }
  }
}

/** Every endpoint of a preset, with `x` for placeholders of the tenant. */
export const urlsOf = ({ endpoints }: Preset): ReadonlyArray<string> => {
  if ("tenant" in endpoints) return Object.values(endpoints.tenant).map((url) => url.replaceAll(/\{\w+\}/g, "x"))
  if ("discoveryUrl" in endpoints) return [endpoints.discoveryUrl]
  const { authorizationEndpoint, issuer, tokenEndpoint } = endpoints.authorizationServerMetadata
  return [issuer, authorizationEndpoint, tokenEndpoint]
}

/** The facts of a preset that need a source. */
export const evidenceOf = ({ evidence, quirks }: Preset): ReadonlyArray<Evidence> => [
  ...Object.values(evidence),
  ...quirks
]

const lines = (...parts: ReadonlyArray<string | undefined>) => parts.filter((part) => part !== undefined).join("<br>")

const pairs = (parameters: { readonly [name: string]: string } = {}) =>
  Object.entries(parameters).map(([name, value]) => `\`${name}=${value}\``)

const where = ({ endpoints }: Preset): string => {
  if ("discoveryUrl" in endpoints) return `\`${endpoints.discoveryUrl}\``
  if ("tenant" in endpoints) {
    const { authorizationEndpoint, issuer, tokenEndpoint } = endpoints.tenant
    return endpoints.defaultTenantId === undefined
      ? lines(
        "To give:",
        `\`issuer\`: \`${issuer}\``,
        `\`authorizationEndpoint\`: \`${authorizationEndpoint}\``,
        `\`tokenEndpoint\`: \`${tokenEndpoint}\``
      )
      : lines(
        `\`${issuer}/.well-known/openid-configuration\``,
        `\`tenantId\` may be given, and is \`${endpoints.defaultTenantId}\` otherwise`
      )
  }
  const { authorizationEndpoint, tokenEndpoint } = endpoints.authorizationServerMetadata
  return lines(`\`${authorizationEndpoint}\``, `\`${tokenEndpoint}\``)
}

const refreshed = ({ refresh }: Preset): string => {
  switch (refresh.issued) {
    case "always":
      return "Always"
    case "sometimes":
      return "Sometimes, and nothing asks for it"
    case "never":
      return `Never; \`${refresh.replacementGrantType}\` instead`
    case "conditional":
      return lines(
        ...pairs(refresh.parameters).map((pair) => `Parameter ${pair}`),
        ...(refresh.scopes ?? []).map((scope) => `Scope \`${scope}\``),
        refresh.registration === undefined ? undefined : `At the registration: ${refresh.registration}`
      )
  }
}

const asked = ({ authorizationParameters, pkce, scopeSeparator, scopeParameter }: Preset): string =>
  lines(
    `Scopes ${scopeParameter === undefined ? "" : `in \`${scopeParameter}\`, `}with ${
      scopeSeparator === "," ? "commas" : "spaces"
    }`,
    ...pairs(authorizationParameters),
    pkce === "required" ? "PKCE" : pkce === "omit" ? "No PKCE" : undefined
  )

const spent = ({ clientAuthentication, tokenRequestBody, tokenRequestHeaders }: Preset): string =>
  lines(
    `\`${clientAuthentication}\``,
    tokenRequestBody === undefined ? undefined : "A JSON body",
    ...Object.entries(tokenRequestHeaders ?? {}).map(([name, value]) => `\`${name}: ${value}\``)
  )

export const row = (vendor: PresetVendor, preset: Preset): string =>
  `| ${
    [`[${vendor}](#${vendor.toLowerCase()})`, where(preset), refreshed(preset), asked(preset), spent(preset)].join(
      " | "
    )
  } |`

const checked: { readonly [How in Evidence["checked"]]: string } = {
  vendor: "the vendor's pages",
  aws: "AWS's guide",
  code: "other clients' code",
  unverified: "not confirmed"
}

const proof = (evidence: Evidence): string =>
  `${checked[evidence.checked]}: ${evidence.sources.map((source) => `<${source}>`).join(", ")}`

const item = (quirk: Quirk): string => `- ${quirk.text} (${proof(quirk)})`

const section = (vendor: PresetVendor, { evidence, quirks }: Preset): string =>
  [
    `### ${vendor}`,
    "",
    ...quirks.map(item),
    ...(quirks.length === 0 ? [] : [""]),
    "Sources of its row above:",
    "",
    `- Endpoints: ${proof(evidence.endpoints)}`,
    `- Refresh token: ${proof(evidence.refresh)}`,
    `- Scope separator: ${proof(evidence.scopeSeparator)}`,
    `- Client authentication: ${proof(evidence.clientAuthentication)}`,
    ""
  ].join("\n")

const begin = "<!-- dprint-ignore-start -->\n"
const end = "<!-- dprint-ignore-end -->"

/** The part of the guide that is generated from the presets. */
export const generated: string = [
  "| Vendor | Endpoints, or what to give | To get a refresh token | Authorization request | Token request |",
  "| --- | --- | --- | --- | --- |",
  ...vendors.map((vendor) => row(vendor, presets[vendor])),
  "",
  "## What breaks clients, and sources",
  "",
  ...vendors.map((vendor) => section(vendor, presets[vendor]))
].join("\n")

/** The guide with its generated part up to date. */
export const updated = (guide: string): string => {
  const [before = "", rest = ""] = guide.split(begin)
  const [, after = ""] = rest.split(end)
  return `${before}${begin}\n${generated}\n${end}${after}`
}
