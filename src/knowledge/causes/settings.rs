//! Settings that several causes share. Values are for an idle timeout of 60 s.

use super::{Setting, setting};

/// The target keeps an idle connection open for longer than the load balancer does.
pub(super) const KEEP_ALIVE: &[Setting] = &[
    setting("Node.js, Express, Koa, NestJS", "const server = app.listen(3000); server.keepAliveTimeout = 75_000;"),
    setting("Next.js", "next start --keepAliveTimeout 75000"),
    setting("Fastify", "Fastify({ keepAliveTimeout: 75_000 })"),
    setting("Bun", "Bun.serve({ idleTimeout: 75, fetch })"),
    setting("gunicorn, also with UvicornWorker", "--keep-alive 75"),
    setting("uvicorn", "--timeout-keep-alive 75"),
    setting("hypercorn", "keep_alive_timeout = 75"),
    setting("granian", "--http1-header-read-timeout 75000"),
    setting("uWSGI", "http-keepalive = 75"),
    setting("Puma", "persistent_timeout 75"),
    setting("nginx", "keepalive_timeout 75s; keepalive_requests 10000;"),
    setting("Apache httpd, KeepAliveTimeout", "KeepAliveTimeout 75"),
    setting("Apache httpd, MaxKeepAliveRequests", "MaxKeepAliveRequests 0"),
    setting("HAProxy", "timeout http-keep-alive 75s"),
    setting("Tomcat (server.xml)", r#"<Connector keepAliveTimeout="75000" maxKeepAliveRequests="-1" />"#),
    setting("Spring Boot with Tomcat, timeout", "server.tomcat.keep-alive-timeout=75s"),
    setting("Spring Boot with Tomcat, requests", "server.tomcat.max-keep-alive-requests=-1"),
    setting("Jetty", "jetty.http.idleTimeout=75000"),
    setting("Spring Boot with Jetty", "server.jetty.connection-idle-timeout=75s"),
    setting("Undertow, WildFly", r#"no-request-timeout="75000""#),
    setting("Spring Boot with Undertow", "server.undertow.no-request-timeout=75s"),
    setting("Pekko HTTP, Akka HTTP", "pekko.http.server.idle-timeout = 75 s"),
    setting("Kestrel", "options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);"),
    setting("Go net/http", "&http.Server{IdleTimeout: 75 * time.Second}"),
    setting("Fiber", "fiber.Config{IdleTimeout: 75 * time.Second}"),
    setting("actix-web", "HttpServer::new(app).keep_alive(Duration::from_secs(75))"),
    setting("hyper, axum (if a timer is set)", "builder.header_read_timeout(Duration::from_secs(75))"),
    setting("Phoenix on Bandit", "thousand_island_options: [read_timeout: 75_000]"),
    setting("Phoenix on Cowboy", "protocol_options: [request_timeout: 75_000, idle_timeout: 75_000]"),
    setting("Envoy", "common_http_protocol_options: { idle_timeout: 3600s }"),
];

/// The server finishes running requests before it exits. The times fit a stop timeout of 30 s or more.
pub(super) const GRACEFUL_STOP: &[Setting] = &[
    setting("ECS task definition", r#""stopTimeout": 60"#),
    setting("ECS service", r#""deploymentConfiguration": { "minimumHealthyPercent": 100, "maximumPercent": 200 }"#),
    setting("ECS container, if a shell is process 1", r#""linuxParameters": { "initProcessEnabled": true }"#),
    setting("Kubernetes, pod", "terminationGracePeriodSeconds: 60"),
    setting("Kubernetes, container", r#"lifecycle: { preStop: { exec: { command: ["sleep", "20"] } } }"#),
    setting("Kubernetes, namespace label", "elbv2.k8s.aws/pod-readiness-gate-inject: enabled"),
    setting(
        "Node.js, Express",
        "process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });",
    ),
    setting("gunicorn", "--graceful-timeout 25"),
    setting("uvicorn", "--timeout-graceful-shutdown 25"),
    setting("hypercorn", "graceful_timeout = 25"),
    setting("uWSGI", "die-on-term = true"),
    setting("Unicorn, nginx (Dockerfile)", "STOPSIGNAL SIGQUIT"),
    setting("Apache httpd (Dockerfile)", "STOPSIGNAL SIGWINCH"),
    setting("Spring Boot, mode", "server.shutdown=graceful"),
    setting("Spring Boot, time", "spring.lifecycle.timeout-per-shutdown-phase=25s"),
    setting("Jetty", "server.setStopTimeout(25_000);"),
    setting("Kestrel", "services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(25));"),
    setting("Go net/http", "server.Shutdown(ctx) // on SIGTERM"),
    setting("actix-web", "HttpServer::new(app).shutdown_timeout(25)"),
    setting("axum", "axum::serve(listener, app).with_graceful_shutdown(signal)"),
    setting("Phoenix on Bandit", "thousand_island_options: [shutdown_timeout: 25_000]"),
];

/// The server gives a request or a worker more time, but still less than the idle timeout.
pub(super) const REQUEST_TIMEOUT: &[Setting] = &[
    setting("gunicorn, timeout", "--timeout 55"),
    setting("gunicorn, worker class", "--worker-class gthread --threads 8"),
    setting("uWSGI", "harakiri = 55"),
    setting("Unicorn", "timeout 55"),
    setting("Node.js before 13", "server.setTimeout(0);"),
    setting("Bun", "Bun.serve({ idleTimeout: 75, fetch })"),
    setting("Go net/http", "&http.Server{WriteTimeout: 55 * time.Second}"),
    setting("Spring MVC, asynchronous requests", "spring.mvc.async.request-timeout=55s"),
    setting("Pekko HTTP, Akka HTTP", "pekko.http.server.request-timeout = 55 s"),
    setting("Sanic", "RESPONSE_TIMEOUT = 55"),
    setting("nginx in front of the application", "proxy_read_timeout 55s;"),
    setting("Envoy route", "timeout: 55s"),
    setting("ECS Service Connect", r#""timeout": { "perRequestTimeoutSeconds": 55 }"#),
];
