/** Presets of the included vendors whose endpoints depend on a tenant, so that a request must give them. */
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import { aws, code, guide, type Preset, quirk, unverified, vendor } from "./preset.js"

const okta = "https://developer.okta.com/docs/guides/refresh-tokens/main/"
const oktaGuide = guide("identity-idp-okta")
const oneLogin = "https://developers.onelogin.com/openid-connect/api/refresh-session"
const oneLoginDiscovery = "https://developers.onelogin.com/openid-connect/api/provider-config"
const oneLoginGuide = guide("identity-idp-onelogin")
const pingOne = "https://developer.pingidentity.com/pingone-api/auth/openid-connect-oauth-2/"
const pingOneRefresh =
  "https://developer.pingidentity.com/pingone-api/workflow-library/platform-sso-and-authorization/" +
  "openid-connect-oidc/refresh-token-exchange-flow/environment-configuration.html"
const pingOneGuide = guide("identity-idp-pingidentity")
const cyberArk = "https://docs.cyberark.com/identity/Latest/en/Content/Developer/oidc/about-openidconnect.htm"
const cyberArkRefresh = "https://docs.cyberark.com/identity/Latest/en/Content/Developer/oidc/tokens/refresh-tokens.htm"
const cyberArkGuide = guide("identity-idp-cyberark")
const fusionAuth = "https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/endpoints"
const fusionAuthScopes = "https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/scopes"
const fusionAuthGuide = guide("identity-idp-fusionauth")
const auth0 = "https://auth0.com/docs/secure/tokens/refresh-tokens/get-refresh-tokens"
const auth0Guide = guide("identity-idp-auth0")
const cognito = "https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html"
const cognitoToken = "https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html"
const cognitoGuide = guide("identity-idp-cognito")

type Tenant = Extract<
  CredentialProviderVendor,
  | "OktaOauth2"
  | "OneLoginOauth2"
  | "PingOneOauth2"
  | "CyberArkOauth2"
  | "FusionAuthOauth2"
  | "Auth0Oauth2"
  | "CognitoOauth2"
>

/** @internal */
export const tenant: { readonly [Vendor in Tenant]: Preset } = {
  OktaOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://{tenant}.okta.com/oauth2/{authorizationServer}",
        authorizationEndpoint: "https://{tenant}.okta.com/oauth2/{authorizationServer}/v1/authorize",
        tokenEndpoint: "https://{tenant}.okta.com/oauth2/{authorizationServer}/v1/token"
      }
    },
    refresh: {
      issued: "conditional",
      scopes: ["offline_access"],
      registration: "Refresh Token among the allowed grant types."
    },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: aws(oktaGuide, okta),
      refresh: vendor(okta),
      scopeSeparator: vendor(okta),
      clientAuthentication: vendor(okta)
    },
    quirks: [quirk("All scopes together have at most 1,024 characters.", vendor(okta))]
  },
  OneLoginOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://{subdomain}.onelogin.com/oidc/2",
        authorizationEndpoint: "https://{subdomain}.onelogin.com/oidc/2/auth",
        tokenEndpoint: "https://{subdomain}.onelogin.com/oidc/2/token"
      }
    },
    refresh: { issued: "conditional", registration: "A Refresh Token Timeout." },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(oneLoginDiscovery, oneLoginGuide),
      refresh: unverified(oneLogin),
      scopeSeparator: unverified("https://www.rfc-editor.org/rfc/rfc6749#section-3.3"),
      clientAuthentication: aws(oneLoginGuide, oneLogin)
    },
    quirks: [
      quirk(
        "The client authentication method is a setting of the application; AWS requires POST.",
        aws(oneLoginGuide, oneLogin)
      ),
      quirk("Credentials in both the header and the body are an error.", vendor(oneLogin))
    ]
  },
  PingOneOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://auth.pingone.com/{environmentId}/as",
        authorizationEndpoint: "https://auth.pingone.com/{environmentId}/as/authorize",
        tokenEndpoint: "https://auth.pingone.com/{environmentId}/as/token"
      }
    },
    refresh: { issued: "conditional", registration: "The grant type `REFRESH_TOKEN`." },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: aws(pingOneGuide, pingOne),
      refresh: vendor(pingOneRefresh),
      scopeSeparator: code(pingOne),
      clientAuthentication: aws(pingOneGuide)
    },
    quirks: [
      quirk(
        "An application is for users or for machines, not for both; one for machines requires `client_secret_post`.",
        aws(pingOneGuide)
      ),
      quirk("The host has another ending outside North America.", code(pingOne))
    ]
  },
  CyberArkOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://{tenant}.id.cyberark.cloud/{applicationId}",
        authorizationEndpoint: "https://{tenant}.id.cyberark.cloud/OAuth2/Authorize/{applicationId}",
        tokenEndpoint: "https://{tenant}.id.cyberark.cloud/OAuth2/Token/{applicationId}"
      }
    },
    refresh: { issued: "conditional", registration: "The issuing of refresh tokens, enabled in the Admin Portal." },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: aws(cyberArkGuide, cyberArk),
      refresh: vendor(cyberArkRefresh),
      scopeSeparator: unverified("https://www.rfc-editor.org/rfc/rfc6749#section-3.3"),
      clientAuthentication: code(cyberArk)
    },
    quirks: []
  },
  FusionAuthOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://{host}",
        authorizationEndpoint: "https://{host}/oauth2/authorize",
        tokenEndpoint: "https://{host}/oauth2/token"
      }
    },
    refresh: {
      issued: "conditional",
      scopes: ["offline_access"],
      registration: "Generate refresh tokens, and Refresh Token among the enabled grants."
    },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: vendor(fusionAuth, fusionAuthGuide),
      refresh: vendor(fusionAuthScopes),
      scopeSeparator: vendor(fusionAuth),
      clientAuthentication: vendor(fusionAuth)
    },
    quirks: [
      quirk("The authorization request requires `tenantId`.", vendor(fusionAuth)),
      quirk(
        "The issuer is a setting of the tenant, and may have another host than the endpoints.",
        unverified("https://fusionauth.io/docs/get-started/core-concepts/tenants", fusionAuthGuide)
      )
    ]
  },
  Auth0Oauth2: {
    endpoints: {
      tenant: {
        issuer: "https://{tenant}.auth0.com",
        authorizationEndpoint: "https://{tenant}.auth0.com/authorize",
        tokenEndpoint: "https://{tenant}.auth0.com/oauth/token"
      }
    },
    refresh: { issued: "conditional", scopes: ["offline_access"], registration: "Allow Offline Access, at the API." },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: aws(auth0Guide),
      refresh: vendor(auth0),
      scopeSeparator: code("https://auth0.com/docs/get-started/apis/scopes"),
      clientAuthentication: vendor(auth0)
    },
    quirks: [
      quirk(
        "Without `audience`, the identifier of an API, the token is opaque and valid only for Auth0's own API.",
        code("https://auth0.com/docs/secure/tokens/access-tokens/get-access-tokens", auth0)
      ),
      quirk(
        "The issuer in Auth0's documentation ends with a slash; the one in AWS's guide does not.",
        unverified(
          "https://auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery",
          auth0Guide
        )
      )
    ]
  },
  CognitoOauth2: {
    endpoints: {
      tenant: {
        issuer: "https://cognito-idp.{region}.amazonaws.com/{userPoolId}",
        authorizationEndpoint: "https://{domain}.auth.{region}.amazoncognito.com/oauth2/authorize",
        tokenEndpoint: "https://{domain}.auth.{region}.amazoncognito.com/oauth2/token"
      }
    },
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: aws(cognitoGuide, cognito),
      refresh: vendor(cognitoToken),
      scopeSeparator: vendor(cognito),
      clientAuthentication: vendor(cognitoToken)
    },
    quirks: [
      quirk("The issuer has another host than the endpoints.", aws(cognitoGuide)),
      quirk("A refresh returns no refresh token; the old one stays valid.", vendor(cognitoToken)),
      quirk("PKCE supports only the method `S256`.", vendor(cognito))
    ]
  }
}
