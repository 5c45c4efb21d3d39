/** Presets of the included vendors whose endpoints are the same for all customers. */
import type { CredentialProviderVendor } from "../../Oauth2Provider.js"
import { aws, code, guide, metadata, openId, type Preset, quirk, unverified, vendor } from "./preset.js"

const x = "https://docs.x.com/fundamentals/authentication/oauth-2-0/user-access-token"
const xScopes = "https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code"
const facebook = "https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow"
const facebookLongLived = "https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived"
const yandex = "https://yandex.com/dev/id/doc/en/codes/code-url"
const yandexRefresh = "https://yandex.com/dev/id/doc/en/tokens/refresh-client"
const reddit = "https://github.com/reddit-archive/reddit/wiki/OAuth2"
const zoom = "https://developers.zoom.us/docs/integrations/oauth/"
const twitch = "https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/"
const twitchOpenId = "https://dev.twitch.tv/docs/authentication/getting-tokens-oidc"
const spotify = "https://developer.spotify.com/documentation/web-api/tutorials/code-flow"
const spotifyRefresh = "https://developer.spotify.com/documentation/web-api/tutorials/refreshing-tokens"
const dropbox = "https://developers.dropbox.com/oauth-guide"
const dropboxSdk = "https://github.com/dropbox/dropbox-sdk-js"
const dropboxOffline = "https://dropbox.tech/developers/using-oauth-2-0-with-offline-access"
const notion = "https://developers.notion.com/docs/authorization"
const notionSdk = "https://github.com/makenotion/notion-sdk-js"
const hubspot =
  "https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/create-oauth-token"
const hubspotFlow =
  "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth"
const hubspotNewer = "https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide"

type Included = Extract<
  CredentialProviderVendor,
  | "XOauth2"
  | "FacebookOauth2"
  | "YandexOauth2"
  | "RedditOauth2"
  | "ZoomOauth2"
  | "TwitchOauth2"
  | "SpotifyOauth2"
  | "DropboxOauth2"
  | "NotionOauth2"
  | "HubspotOauth2"
>

/** @internal */
export const included: { readonly [Vendor in Included]: Preset } = {
  XOauth2: {
    endpoints: metadata("https://x.com", "https://x.com/i/oauth2/authorize", "https://api.x.com/2/oauth2/token"),
    refresh: { issued: "conditional", scopes: ["offline.access"] },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: vendor(x),
      refresh: vendor(xScopes, x),
      scopeSeparator: vendor(x),
      clientAuthentication: vendor(x)
    },
    pkce: "required",
    quirks: [
      quirk("The scope is written with a dot, `offline.access`, and not with an underscore.", vendor(xScopes)),
      quirk("The documentation describes no authorization request without PKCE.", vendor(x)),
      quirk("No issuer is published; the origin is used.", unverified(x))
    ]
  },
  FacebookOauth2: {
    endpoints: metadata(
      "https://www.facebook.com",
      "https://www.facebook.com/dialog/oauth",
      "https://graph.facebook.com/oauth/access_token"
    ),
    refresh: { issued: "never", replacementGrantType: "fb_exchange_token" },
    scopeSeparator: ",",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: code(facebook),
      refresh: vendor(facebookLongLived),
      scopeSeparator: vendor("https://developers.facebook.com/docs/reference/javascript/FB.login"),
      clientAuthentication: vendor(facebookLongLived)
    },
    quirks: [
      quirk(
        "`fb_exchange_token` exchanges a token that is valid for some hours for one that is valid for about 60 days.",
        vendor(facebookLongLived)
      ),
      quirk(
        "The documented endpoints contain a version of the Graph API; here they do not.",
        code(facebook)
      )
    ]
  },
  YandexOauth2: {
    endpoints: metadata(
      "https://oauth.yandex.com",
      "https://oauth.yandex.com/authorize",
      "https://oauth.yandex.com/token"
    ),
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: vendor(yandex, yandexRefresh),
      refresh: vendor(yandexRefresh),
      scopeSeparator: code(yandex),
      clientAuthentication: vendor(yandexRefresh)
    },
    quirks: [
      quirk("A refresh may return the same access token, if it does not expire soon.", vendor(yandexRefresh)),
      quirk("No issuer is published; the origin is used.", unverified(yandex))
    ]
  },
  RedditOauth2: {
    endpoints: metadata(
      "https://www.reddit.com",
      "https://www.reddit.com/api/v1/authorize",
      "https://www.reddit.com/api/v1/access_token"
    ),
    refresh: { issued: "conditional", parameters: { duration: "permanent" } },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: vendor(reddit),
      refresh: vendor(reddit),
      scopeSeparator: code(reddit),
      clientAuthentication: vendor(reddit)
    },
    quirks: [
      quirk("The wiki described commas between scopes; current clients send spaces.", code(reddit)),
      quirk(
        "The API requires a `User-Agent` that is unique to the application.",
        unverified("https://github.com/reddit-archive/reddit/wiki/API")
      ),
      quirk("No issuer is published; the origin is used.", unverified(reddit))
    ]
  },
  ZoomOauth2: {
    endpoints: metadata("https://zoom.us", "https://zoom.us/oauth/authorize", "https://zoom.us/oauth/token"),
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: code(zoom),
      refresh: code(zoom),
      scopeSeparator: unverified(zoom),
      clientAuthentication: vendor("https://developers.zoom.us/docs/rooms/oauth/", zoom)
    },
    errorMembers: { description: "reason" },
    quirks: [
      quirk("Some clients separate scopes with commas.", unverified(zoom)),
      quirk("A refresh token can be used once.", code(zoom)),
      quirk(
        "A rejected token request has its description in `reason`, and not in `error_description`.",
        code("https://github.com/raycast/extensions/issues/10896")
      ),
      quirk("No issuer is published; the origin is used.", unverified(zoom))
    ]
  },
  TwitchOauth2: {
    endpoints: openId("https://id.twitch.tv/oauth2"),
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(twitchOpenId),
      refresh: code(twitch),
      scopeSeparator: code(twitch),
      clientAuthentication: code(twitch)
    },
    errorMembers: { description: "message" },
    grantedScopeFormat: "array",
    quirks: [
      quirk("The granted scopes in the token response are an array.", code(twitch)),
      quirk("The token endpoint rejects HTTP Basic.", code(twitch))
    ]
  },
  SpotifyOauth2: {
    endpoints: metadata(
      "https://accounts.spotify.com",
      "https://accounts.spotify.com/authorize",
      "https://accounts.spotify.com/api/token"
    ),
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: code(spotify),
      refresh: code(spotify),
      scopeSeparator: code(spotify),
      clientAuthentication: code(spotify)
    },
    quirks: [
      quirk(
        "The discovery document, which the guide does not mention, has another authorization endpoint.",
        code("https://accounts.spotify.com/.well-known/openid-configuration", spotify)
      ),
      quirk("A refresh may return no refresh token; the old one stays valid.", unverified(spotifyRefresh))
    ]
  },
  DropboxOauth2: {
    endpoints: metadata(
      "https://www.dropbox.com",
      "https://www.dropbox.com/oauth2/authorize",
      "https://api.dropboxapi.com/oauth2/token"
    ),
    refresh: { issued: "conditional", parameters: { token_access_type: "offline" } },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(dropboxSdk, dropbox),
      refresh: vendor(dropboxSdk, dropboxOffline, dropbox),
      scopeSeparator: vendor(dropboxSdk, dropbox),
      clientAuthentication: vendor(dropboxSdk, dropbox)
    },
    quirks: [
      quirk("A refresh returns no refresh token; the old one stays valid.", code(dropbox)),
      quirk(
        "This vendor issues no machine tokens.",
        aws(guide("identity-idp-dropbox"))
      ),
      quirk("No issuer is documented; the origin is used.", unverified(dropbox))
    ]
  },
  NotionOauth2: {
    endpoints: metadata(
      "https://api.notion.com",
      "https://api.notion.com/v1/oauth/authorize",
      "https://api.notion.com/v1/oauth/token"
    ),
    refresh: { issued: "sometimes" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_basic",
    evidence: {
      endpoints: code(notion),
      refresh: vendor(notionSdk),
      scopeSeparator: code(notion),
      clientAuthentication: vendor(notionSdk, notion)
    },
    authorizationParameters: { owner: "user" },
    tokenRequestBody: "json",
    mayOmitExpiry: true,
    quirks: [
      quirk("The authorization request requires `owner`.", code(notion)),
      quirk("The body of a token request is JSON.", vendor(notionSdk)),
      quirk("`refresh_token` may be null, and there is no `expires_in`.", vendor(notionSdk)),
      quirk("There are no scopes; the settings of the integration decide.", code(notion)),
      quirk("No issuer is published; the origin is used.", unverified(notion))
    ]
  },
  HubspotOauth2: {
    endpoints: metadata(
      "https://app.hubspot.com",
      "https://app.hubspot.com/oauth/authorize",
      "https://api.hubapi.com/oauth/v1/token"
    ),
    refresh: { issued: "always" },
    scopeSeparator: " ",
    clientAuthentication: "client_secret_post",
    evidence: {
      endpoints: vendor(hubspotNewer, hubspot),
      refresh: vendor(hubspot),
      scopeSeparator: code(hubspotFlow),
      clientAuthentication: vendor(hubspotNewer, hubspot)
    },
    errorMembers: { error: "status", description: "message" },
    quirks: [
      quirk("The scopes must contain `oauth`.", aws(guide("identity-idp-hubspot"))),
      quirk(
        "A rejected token request has its error code in `status`, for example `BAD_REFRESH_TOKEN`, and no `error`.",
        code("https://github.com/HGData/mk-node-hubspot/issues/64")
      ),
      quirk(
        "The token endpoint `v1` is documented as legacy; `https://api.hubapi.com/oauth/v3/token` accepts the same requests.",
        vendor(hubspotNewer, hubspot)
      ),
      quirk("No issuer is published; the origin is used.", unverified(hubspotFlow))
    ]
  }
}
