/** Presets of the vendors with a dedicated member of the configuration. */
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import { aws, code, guide, metadata, openId, type Preset, quirk, refreshGuide, unverified, vendor } from "./preset.js"

const google = "https://developers.google.com/identity/protocols/oauth2/web-server"
const googleOpenId = "https://developers.google.com/identity/openid-connect/openid-connect"
const github = "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps"
const githubRefresh =
  "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens"
const slack = "https://docs.slack.dev/authentication/installing-with-oauth"
const slackToken = "https://docs.slack.dev/reference/methods/oauth.v2.access"
const slackRotation = "https://docs.slack.dev/authentication/using-token-rotation"
const salesforce = "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm&type=5"
const salesforceFlow =
  "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm&type=5"
const salesforceRefresh =
  "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_refresh_token_flow.htm&type=5"
const microsoft = "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow"
const microsoftOpenId = "https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc"
const atlassian = "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/"
const atlassianFlow = "https://developer.atlassian.com/cloud/oauth/getting-started/implementing-oauth-3lo"
const linkedin = "https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow"
const linkedinRefresh = "https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens"
const linkedinDiscovery = "https://www.linkedin.com/oauth/.well-known/openid-configuration"

type Dedicated = Extract<
  CredentialProviderVendor,
  | "GoogleOauth2"
  | "GithubOauth2"
  | "SlackOauth2"
  | "SalesforceOauth2"
  | "MicrosoftOauth2"
  | "AtlassianOauth2"
  | "LinkedinOauth2"
>

/** @internal */
export const dedicated: { readonly [Vendor in Dedicated]: Preset } = {
  GoogleOauth2: {
    endpoints: openId("https://accounts.google.com"),
    refresh: { issued: "conditional", parameters: { access_type: "offline" } },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: code(googleOpenId),
      refresh: aws(refreshGuide, google),
      scopeSeparator: code(google),
      clientAuthentication: code(google, googleOpenId)
    },
    quirks: [
      quirk("The refresh token is issued with the first consent only, unless `prompt` is `consent`.", code(google))
    ]
  },
  GithubOauth2: {
    // The issuer is the value that GitHub sends in `iss`, and not its origin.
    endpoints: metadata(
      "https://github.com/login/oauth",
      "https://github.com/login/oauth/authorize",
      "https://github.com/login/oauth/access_token"
    ),
    refresh: {
      issued: "conditional",
      registration: "A GitHub App whose user access tokens expire, as by default. An OAuth App gets none."
    },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(github),
      refresh: vendor(githubRefresh, refreshGuide),
      scopeSeparator: vendor(github),
      clientAuthentication: vendor(github)
    },
    tokenRequestHeaders: { accept: "application/json" },
    errorWithStatus200: "error",
    grantedScopeFormat: "commas",
    mayOmitExpiry: true,
    quirks: [
      quirk(
        "The code comes with `iss=https://github.com/login/oauth`; a client that is configured with another issuer rejects it.",
        code("https://www.rfc-editor.org/rfc/rfc9207", github)
      ),
      quirk("The token response is form-encoded unless `Accept` asks for JSON.", vendor(github)),
      quirk(
        "A rejected token request has the status 200, and `error` in its body.",
        code(
          "https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/" +
            "troubleshooting-oauth-app-access-token-request-errors"
        )
      ),
      quirk("The token response separates the granted scopes with commas.", vendor(github)),
      quirk("The token of an OAuth App has no `expires_in`.", vendor(github)),
      quirk("A refresh invalidates the old refresh token and the old access token.", vendor(githubRefresh))
    ]
  },
  SlackOauth2: {
    endpoints: metadata(
      "https://slack.com",
      "https://slack.com/oauth/v2/authorize",
      "https://slack.com/api/oauth.v2.access"
    ),
    refresh: { issued: "conditional", registration: "Token rotation." },
    scopeSeparator: ",",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: code(slack, slackToken, guide("identity-idp-slack")),
      refresh: vendor(slackRotation, refreshGuide),
      scopeSeparator: code(slack),
      clientAuthentication: vendor(slackToken)
    },
    scopeParameter: "user_scope",
    userTokenMember: "authed_user",
    errorWithStatus200: "ok",
    grantedScopeFormat: "commas",
    mayOmitExpiry: true,
    quirks: [
      quirk("The scopes of a user go into `user_scope`; those in `scope` are for the bot.", code(slack)),
      quirk(
        "The tokens of a user are in the member `authed_user`; the response itself contains only those of the bot, if any.",
        vendor("https://docs.slack.dev/tools/node-slack-sdk/reference/oauth/interfaces/OAuthV2Response")
      ),
      quirk(
        "A rejected token request has the status 200, with `ok` false and a code specific to Slack in `error`.",
        code("https://docs.slack.dev/apis/web-api/")
      ),
      quirk("The token response separates the granted scopes with commas.", unverified(slackToken)),
      quirk("Without token rotation an access token never expires, and has no `expires_in`.", vendor(slackRotation)),
      quirk("A refresh invalidates the old refresh token.", vendor(slackRotation)),
      quirk(
        "AWS's page links to Sign in with Slack, which has other endpoints; it does not state which endpoints AWS uses.",
        unverified(guide("identity-idp-slack"), "https://docs.slack.dev/authentication/sign-in-with-slack/")
      )
    ]
  },
  SalesforceOauth2: {
    endpoints: openId("https://login.salesforce.com"),
    refresh: { issued: "conditional", scopes: ["refresh_token"] },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor("https://login.salesforce.com/.well-known/openid-configuration", salesforce),
      refresh: aws(refreshGuide, salesforceRefresh),
      scopeSeparator: code(salesforceFlow),
      clientAuthentication: vendor(salesforceRefresh)
    },
    mayOmitExpiry: true,
    quirks: [
      quirk("The token response contains the URL of the API in `instance_url`.", code(salesforceFlow)),
      quirk("The token response has no `expires_in`: the session settings decide.", unverified(salesforceFlow)),
      quirk("A sandbox has other endpoints, at test.salesforce.com or its domain.", vendor(salesforce))
    ]
  },
  MicrosoftOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://login.microsoftonline.com/{tenantId}/v2.0",
        authorizationEndpoint: "https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/authorize",
        tokenEndpoint: "https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/token"
      },
      defaultTenantId: "common"
    },
    refresh: { issued: "conditional", scopes: ["offline_access"] },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(microsoft, microsoftOpenId),
      refresh: vendor(microsoft, refreshGuide),
      scopeSeparator: vendor(microsoft),
      clientAuthentication: code(microsoft)
    },
    discoveredIssuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
    quirks: [
      quirk(
        "The discovery document of `common` has an issuer with the placeholder `{tenantid}`, which equals no issuer; that " +
          "of `consumers`, or of a tenant named by its domain, has an issuer with the id of the tenant.",
        code(microsoftOpenId)
      )
    ]
  },
  AtlassianOauth2: {
    endpoints: metadata(
      "https://auth.atlassian.com",
      "https://auth.atlassian.com/authorize",
      "https://auth.atlassian.com/oauth/token"
    ),
    refresh: { issued: "conditional", scopes: ["offline_access"] },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: code(atlassian, atlassianFlow),
      refresh: aws(refreshGuide, atlassian),
      scopeSeparator: vendor(atlassianFlow),
      clientAuthentication: code(atlassian)
    },
    authorizationParameters: { audience: "api.atlassian.com", prompt: "consent" },
    quirks: [
      quirk("The authorization request requires `audience` and `prompt`.", code(atlassian, atlassianFlow)),
      quirk("A refresh invalidates the old refresh token.", code(atlassian))
    ]
  },
  LinkedinOauth2: {
    endpoints: openId("https://www.linkedin.com/oauth"),
    refresh: { issued: "conditional", registration: "An application of an approved partner of LinkedIn." },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: code(linkedinDiscovery, linkedin),
      refresh: vendor(linkedinRefresh, refreshGuide),
      scopeSeparator: code(linkedin),
      clientAuthentication: code(linkedin)
    },
    pkce: "omit",
    quirks: [
      quirk(
        "The discovery document lists no authentication method, which means HTTP Basic, but HTTP Basic is rejected.",
        code(linkedinDiscovery, linkedin)
      ),
      quirk("Clients do not use PKCE.", code(linkedin)),
      quirk(
        "A refresh does not extend the lifetime of the refresh token, which is one year from the consent.",
        vendor(linkedinRefresh)
      )
    ]
  }
}
