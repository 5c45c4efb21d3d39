/**
 * The modules that mutation testing covers: the files that are mutated, and the test files that are closest to them. A test
 * file that is not named does not run, so that one mutant costs seconds. `isolate`: a test file replaces modules for all.
 */
export const modules = {
  waiting: {
    mutate: [
      "src/TokenPoller.ts",
      "src/internal/service/{waitForConsent,pollScheduler}.ts",
      "src/internal/lib/{rateLimit,subscriptions}.ts"
    ],
    tests: ["pollScheduler", "rateLimit", "subscriptions", "waitForConsent", "waitForConsentSteps", "TokenPoller", "Consent", "ConsentSignal", "tags"]
  },
  consent: {
    mutate: [
      "src/{Consent,ConsentSeal,ConsentLedger,ConsentSignal}.ts",
      "src/internal/service/{getToken,resume}.ts",
      "src/internal/consent/{resumeHandle,ledgerMemory,ledgerKeyValueStore,sealKeys,sealText}.ts"
    ],
    tests: ["Consent", "ConsentLedger", "ledgerEntries", "ConsentSeal", "ConsentSignal", "resume", "IdentityService", "tags"]
  },
  binding: {
    mutate: ["src/SessionBinding.ts", "src/internal/binding/*.ts"],
    tests: [
      "bindingParts",
      "SessionBindingRules",
      "SessionBindingEnd",
      "SessionBinding",
      "SessionBindingLimits",
      "SessionBindingServer"
    ]
  },
  revocation: {
    mutate: ["src/internal/service/reauthenticate.ts", "src/internal/lib/singleFlight.ts"],
    tests: ["revocation", "revocationKey", "singleFlight"]
  },
  grant: {
    mutate: ["src/internal/service/{tokenRequest,askForToken}.ts"],
    tests: ["tokenFlow", "revocation", "revocationKey"]
  },
  retry: {
    mutate: ["src/RetryPolicy.ts", "src/internal/service/{retry,retryBudget}.ts"],
    tests: ["retry", "retryBudget", "tags"]
  },
  check: {
    mutate: ["src/internal/model/validation.ts"],
    tests: ["check", "checkLimits"]
  },
  service: {
    mutate: [
      "src/{IdentityService,AccessToken,ApiKey,WorkloadAccessToken}.ts",
      "src/internal/service/administration.ts",
      "src/internal/lib/inject.ts",
      "src/internal/model/optionNames.ts"
    ],
    tests: ["serviceMethods", "administration", "AccessToken", "WorkloadAccessToken", "retry"]
  },
  aws: {
    mutate: ["src/AwsIdentity.ts", "src/internal/aws/{agents,call,exceptions,exchange,reply,resend,retryAfter,secrets,settings,signed}.ts"],
    tests: [
      "awsCall",
      "awsClients",
      "awsExceptions",
      "awsExchange",
      "awsReplyRules",
      "awsResend",
      "awsSecrets",
      "awsSettings",
      "AwsIdentity",
      "AwsIdentityFailures"
    ]
  },
  oauth: {
    isolate: true,
    mutate: [
      "src/FederatedIssuer.ts",
      "src/internal/model/{discoveryUrl,issuerChoice}.ts",
      "src/internal/oauth/*.ts"
    ],
    tests: [
      "FederatedAddresses",
      "FederatedAsk",
      "FederatedAuthentication",
      "FederatedAuthorization",
      "FederatedJwtLimits",
      "FederatedLayer",
      "FederatedLookup",
      "FederatedMetadata",
      "FederatedRefusal",
      "FederatedRequests",
      "FederatedRoots",
      "FederatedSteps",
      "FederatedTemplate",
      "FederatedTokenResponses",
      "FederatedVerification",
      "FederatedVerificationIssuer",
      "discoveryUrl",
      "issuerChoice"
    ]
  },
  session: {
    mutate: ["src/internal/emulator/{data/{completion,userTokens,machineTokens,grants,workloadTokens},state/session}.ts"],
    tests: ["session", "completion", "tokenLifetimes", "tokenRequests", "tokenRules", "MemoryIdentity", "FederatedRaces"]
  },
  persistence: {
    isolate: true,
    mutate: ["src/internal/emulator/persistence/*.ts"],
    tests: ["storage", "record", "level", "levelFolder", "classicLevel", "sealed"]
  },
  signature: {
    mutate: ["src/internal/{server/api/{signature,hostGuard},web/oneTimeTokens}.ts"],
    tests: ["signature", "hostGuard", "oneTimeTokens"]
  },
  pages: {
    mutate: ["src/internal/web/{forms,html,redactRequest}.ts"],
    tests: ["forms", "html", "redactRequest", "serverPages"]
  }
}
