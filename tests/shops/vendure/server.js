// A Vendure that sells: one process, a real PostgreSQL, its dummy payment handler, and nothing else.
// In: PORT, VENDURE_DATABASE_URL. The schema is made by synchronize at the start.
const { bootstrap, dummyPaymentHandler, DefaultLogger, LogLevel } = require("@vendure/core");

const database = new URL(process.env.VENDURE_DATABASE_URL);
bootstrap({
  apiOptions: { hostname: "127.0.0.1", port: Number(process.env.PORT), adminApiPath: "admin-api", shopApiPath: "shop-api" },
  authOptions: {
    tokenMethod: "bearer",
    requireVerification: false,
    superadminCredentials: { identifier: "superadmin", password: "superadmin" },
  },
  dbConnectionOptions: {
    type: "postgres",
    host: database.hostname,
    port: Number(database.port),
    username: database.username,
    database: database.pathname.slice(1),
    synchronize: true,
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: false }),
  plugins: [],
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
