# Everything is done from here; `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
CDK := npx cdk
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.8.0

FUNCTIONS := $(notdir $(patsubst %/main.go,%,$(wildcard functions/*/main.go)))
# One binary, one hash: the same source gives the same bytes on any machine.
BUILD_FLAGS := -trimpath -buildvcs=false -tags lambda.norpc -ldflags='-s -w -buildid='

# What is tested before the rest: many processes against real timeouts, and long simulations.
FIRST := ./e2e/... ./shared/credential/...

# Where tests drive a browser (build tag browser).
BROWSER := ./client ./dev/devserver ./docs

# Node 20 works with CDK, whose banner says that it is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## Run everything on this machine: http://127.0.0.1:8080 (ARGS='--addr 127.0.0.1:9000')
	@echo "building ..." && go build -o build/wechatfn ./cmd/wechatfn
	@exec build/wechatfn dev $(ARGS)

.PHONY: test
test: node_modules ## Run all tests, with the race detector, on real engines
	go test -race $(FIRST)
	go test -race $$(go list ./... | grep -vE '^wechatfn/(infra|e2e|shared/credential)(/|$$)')
	go test ./infra/... # one conversation with CDK, so no races, and no second build of CDK
	go test -run 'ThirtyDays|TenMissed' ./shared/credential # a whole month, without the race detector
	go test -run TestWarmAllocations ./e2e
	cd client && npm test
	node --test client/miniprogram/test/*.test.js

.PHONY: check
check: node_modules ## gofmt, vet, staticcheck, govulncheck, import rules, generated files
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags browser $(BROWSER) ./dev/browsertest
	go run $(STATICCHECK) ./...
	@scripts/govulncheck.sh $(GOVULNCHECK)
	go test -count=1 -run TestLayout .
	go run ./cmd/wechatfn generate --check
	cd client && npm run check

.PHONY: generate
generate: ## Write what is made from manifest and catalogue: docs/reference.md, docs/problems.md, template.yaml
	go run ./cmd/wechatfn generate

.PHONY: client
client: node_modules ## Build the browser client: client/dist, which is committed
	cd client && npm run build

.PHONY: build
build: node_modules $(FUNCTIONS:%=build-arm64-%) $(FUNCTIONS:%=build-amd64-%) ## Build the functions: build/FN/bootstrap (arm64), build/amd64/FN/bootstrap

build-arm64-%:
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(BUILD_FLAGS) -o build/$*/bootstrap ./functions/$*

build-amd64-%:
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build $(BUILD_FLAGS) -o build/amd64/$*/bootstrap ./functions/$*

.PHONY: synth
synth: build ## Synthesize a stage, without credentials: STAGE=dev (ARGS='-c key=value')
	$(CDK) synth --quiet -c stage=$(STAGE) $(ARGS)

.PHONY: check-templates
check-templates: ## cfn-lint on the templates of every stage that the tests know (installs it into .cache; needs Python)
	@scripts/lint-templates.sh

.PHONY: bootstrap
bootstrap: build ## Prepare the account and region for CDK, once: STAGE=prod
	$(CDK) bootstrap -c stage=$(STAGE) $(ARGS)

.PHONY: deploy
deploy: build ## Deploy a stage: STAGE=prod (docs/deploy.md)
	$(CDK) deploy --strict -c stage=$(STAGE) --outputs-file .cache/outputs-$(STAGE).json $(ARGS)

.PHONY: first-refresh
first-refresh: ## Invoke the refresher now, and print the state of each account: STAGE=prod
	aws lambda invoke --function-name wechatfn-$(or $(STAGE),$(error STAGE is not set; choose one of those in cdk.json with STAGE=NAME))-refresher --cli-binary-format raw-in-base64-out --payload '{}' $(ARGS) /dev/stdout

.PHONY: sam-build
sam-build: ## Build the functions with SAM (ARCH=arm64 or x86_64): the same bytes as make build
	CGO_ENABLED=0 GOFLAGS="-buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='" \
	  sam build --parameter-overrides Architecture=$(or $(ARCH),arm64)

.PHONY: sam-deps
sam-deps: node_modules ## What functions need around them under sam local: a table, a simulated WeChat, a bus
	@go build -o build/wechatfn ./cmd/wechatfn
	@exec scripts/sam-deps.sh

.PHONY: check-sam
check-sam: ## cfn-lint and sam on template.yaml (installs them into .cache; needs Python)
	@scripts/check-sam.sh

.PHONY: bench
bench: node_modules ## Measure: time, allocations, calls a request, sizes, start-up
	go test -run '^$$' -bench . -benchmem ./shared/jssdk ./shared/credential ./shared/message ./shared/lambdahttp
	go test -count=1 -run TestBenchmarkReport -v ./e2e -args -report

.PHONY: test-browser
test-browser: node_modules ## Pages, logins and the browser client in a real Chromium (installs Debian's where there is none), and the attacks of docs/login.md with curl
	CHROMIUM=$${CHROMIUM:-$$(scripts/chromium.sh)} go test -count=1 -p 1 -tags browser -run TestBrowser $(BROWSER)

.PHONY: screenshots
screenshots: node_modules ## Take docs/demo.png and docs/demo-zh.png (needs pngquant, and a font with Chinese such as fonts-noto-cjk)
	CHROMIUM=$${CHROMIUM:-$$(scripts/chromium.sh)} SCREENSHOTS=$(CURDIR)/docs go test -count=1 -tags browser -run TestBrowserPageScreenshots ./dev/devserver
	pngquant --force --strip --speed 1 --ext .png 64 docs/demo.png docs/demo-zh.png

.PHONY: test-dynamodb-local
test-dynamodb-local: ## Run the store's tests on AWS's DynamoDB Local (needs Java 17 and Maven)
	scripts/dynamodb-local.sh go test -race -count=1 ./shared/store/dynamo/...

.PHONY: test-memory
test-memory: ## A million distinct pages through one process: memory stays flat
	go test -count=1 -run TestMemoryStaysFlat -timeout 30m -v ./shared/app -args -pages 1000000

.PHONY: fuzz
fuzz: ## Fuzz each target with FUZZ inputs (default 200000)
	scripts/fuzz.sh $(or $(FUZZ),200000)

.PHONY: clean
clean: ## Remove what was built and installed
	rm -rf build node_modules .cache

node_modules: package.json client/package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch node_modules
