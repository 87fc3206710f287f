/**
 * The content security policy of the page of Swagger UI: everything comes from this server, and nothing else may be
 * loaded. Swagger UI sets styles on its elements, so inline styles are allowed; scripts are not.
 */
export const docsPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Returns the page. URLs are relative, so that it works under any prefix. `assets`: the folder of the page's own files. */
export const docsPage = (assets: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Greenroom API</title>
<link rel="stylesheet" href="${assets}swagger-ui.css">
<link rel="icon" href="${assets}favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="${assets}swagger-ui-bundle.js"></script>
<script src="${assets}docs.js"></script>
</body>
</html>
`;

/** The script of the page. `validatorUrl` is null, since Swagger UI would otherwise ask a public service about the document. */
export const docsScript = `"use strict";
SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
`;
