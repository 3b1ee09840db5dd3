"""The only code that talks to Azure DevOps: client, pages, throttle, auth, errors, parse."""
