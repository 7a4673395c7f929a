// A Medusa that sells: a real PostgreSQL, its own payment provider (pp_system_default), in-memory everything else, no
// admin pages. In: DATABASE_URL. It listens where `medusa start --port` says.
const { defineConfig } = require("@medusajs/framework/utils");

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: {
      storeCors: "http://127.0.0.1",
      adminCors: "http://127.0.0.1",
      authCors: "http://127.0.0.1",
      jwtSecret: "rehearsal",
      cookieSecret: "rehearsal",
    },
  },
});
