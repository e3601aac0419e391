import DiffusionCore
import Foundation
import Testing

@testable import NullTextInversion

@Suite("Recipes and options as JSON") struct EditOptionsCodingTests {
  private func decoded<Value: Decodable>(_ json: String, as: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(json.utf8))
  }

  private func again<Value: Codable>(_ value: Value) throws -> Value {
    try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
  }

  @Test("an edit with every option set is decoded as it was encoded")
  func wholeEdit() throws {
    var options = EditOptions()
    options.guidance = 0.1 + 0.2
    options.promptToPrompt?.controller = .refine
    options.promptToPrompt?.crossSteps = try StepWindow(0.1, 0.7)
    options.promptToPrompt?.crossStepsOfWords = [
      WordWindow("lion", try StepWindow(0.25, 0.5)), WordWindow("big cat", 0.4),
    ]
    options.promptToPrompt?.selfSteps = try StepWindow(0.2, 0.9)
    options.promptToPrompt?.selfGrid = 16
    options.promptToPrompt?.emphasis = [Emphasis("lion", -1.5), Emphasis("ä \"🦁\"", 0)]
    options.blend = LocalBlend(
      .init(source: ["cat"], target: ["lion", "mane"]), subtracting: .init(target: ["mat"]), threshold: 0.4,
      subtractThreshold: 0.5, start: 0.1)
    options.mask = try EditMask(RGBImage(width: 3, height: 2), softEdge: 1.5)
    options.proximal = ProximalGuidance(
      quantile: 0.4, shrinkage: .hard, pullBack: 0.5, pullBackStart: 0.3, dilation: 2)
    options.spatialReplace = try SpatialReplace(stopInject: 0.7)
    options.stepRule = .hEdit(HEdit(sourceGuidance: 3, isImplicit: false))
    options.null = TargetNull(emptyShare: 0.7, window: try StepWindow(0.1, 0.6))
    #expect(try again(options) == options)
    #expect(try again(EditOptions()) == EditOptions())
    // Every option is encoded, because none has its default value.
    func written(_ options: EditOptions) throws -> Int {
      let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(options))
      return try #require(json as? [String: Any]).count
    }
    let own = Mirror(reflecting: options).children.count
    let words = Mirror(reflecting: try #require(options.promptToPrompt)).children.count
    #expect(try written(options) == own + words && own == 8 && words == 6)
    options.control = .masaCtrl(MasaCtrl(start: 0.3, firstLayer: 5, largestGrid: 32))
    #expect(try again(options) == options)
    #expect(try written(options) == own)
  }

  @Test(
    "every step rule is decoded as it was encoded, and missing settings have their defaults",
    arguments: [
      StepRule.guided, .difference(), .difference(DifferenceRule(sourceGuidance: 0.3)), .hEdit(),
      .hEdit(HEdit(sourceGuidance: 0.1, isImplicit: false)),
    ])
  func stepRules(rule: StepRule) throws {
    #expect(try again(rule) == rule)
    let kind = try #require(
      (try JSONSerialization.jsonObject(with: JSONEncoder().encode(rule)) as? [String: Any])?["kind"]
        as? String)
    let plain: StepRule = try decoded("{\"kind\": \"\(kind)\"}")
    #expect([.guided, .difference(), .hEdit()].contains(plain))
    #expect(try decoded("{}", as: TargetNull.self) == .empty)
  }

  @Test(
    "every control is decoded as it was encoded",
    arguments: [
      EditControl.promptToPrompt(), .none, .masaCtrl(),
      .masaCtrl(MasaCtrl(start: 1, firstLayer: 3)),
      .removal(ObjectRemoval(words: ["a", "b c"], keptOut: ["d"], threshold: 0.7, steps: 0.6)),
      .sdEdit(SDEdit(strength: 0)), .sdEdit(SDEdit(strength: 0.123456789)),
    ])
  func controls(control: EditControl) throws {
    #expect(try again(control) == control)
  }

  @Test("keys that a recipe omits or sets to null have their defaults")
  func partialEdit() throws {
    #expect(try decoded("{}") == EditOptions())
    let nulls =
      #"{"guidance":null,"control":null,"crossSteps":null,"emphasis":null,"blend":null,"mask":null}"#
    #expect(try decoded(nulls) == EditOptions())
    var expected = EditOptions()
    expected.promptToPrompt?.selfSteps = 0.6
    expected.blend = LocalBlend("cat", "tiger")
    let words = #""selfSteps": 0.6, "blend": {"words": {"source": ["cat"], "target": ["tiger"]}}"#
    #expect(try decoded("{\(words)}") == expected)
    // Settings of another control are ignored.
    expected.control = .masaCtrl(MasaCtrl(start: 0.08, firstLayer: 0))
    #expect(try decoded(#"{"control": {"kind": "masaCtrl"}, \#(words)}"#) == expected)
  }

  @Test("emphasis and word windows with another control are rejected, because they would have no effect")
  func wordsWithoutControl() throws {
    for control in [#"{"kind":"none"}"#, #"{"kind":"masaCtrl"}"#] {
      for words in [
        #""emphasis":[{"word":"lion","weight":2}]"#, #""crossStepsOfWords":[{"word":"lion","window":0.4}]"#,
      ] {
        let error = try inputError {
          try decoded(#"{"control":\#(control),\#(words)}"#, as: EditOptions.self)
        }
        #expect(error?.kind == .mismatch)
        #expect(throws: Never.self) { try decoded("{\(words)}", as: EditOptions.self) }
      }
    }
  }

  @Test(
    "an invalid recipe is an error",
    arguments: [
      #"{"selfSteps":"0.4"}"#, #"{"selfSteps":1.5}"#, #"{"crossSteps":[0.5,0.1]}"#,
      #"{"crossSteps":[0,0.1,0.2]}"#,
      #"{"control":"none"}"#, #"{"control":{}}"#, #"{"control":{"kind":"magic"}}"#,
      #"{"control":{"kind":"sdEdit"}}"#, #"{"controller":"both"}"#, #"{"emphasis":[{"word":"lion"}]}"#,
      #"{"blend":{}}"#, #"{"mask":{}}"#, #"{"selfGrid":1.5}"#, #"{"guidance":"strong"}"#, "[]", "",
    ])
  func wrongEdit(json: String) {
    #expect(throws: (any Error).self) { try decoded(json, as: EditOptions.self) }
  }

  @Test(
    "options that are invalid for all prompts are rejected",
    arguments: [
      Change("negative guidance") { $0.guidance = -1 },
      Change("infinite guidance") { $0.guidance = .infinity },
      Change("NaN guidance") { $0.guidance = .nan },
      Change("negative grid") { $0.promptToPrompt?.selfGrid = -1 },
      Change("strength above 1") { $0.control = .sdEdit(SDEdit(strength: 1.1)) },
      Change("NaN strength") { $0.control = .sdEdit(SDEdit(strength: .nan)) },
      Change("negative start of MasaCtrl") { $0.control = .masaCtrl(MasaCtrl(start: -0.1)) },
      Change("negative layer of MasaCtrl") { $0.control = .masaCtrl(MasaCtrl(firstLayer: -1)) },
      Change("blend without words") { $0.blend = LocalBlend(.init()) },
      Change("threshold") {
        $0.blend = LocalBlend("cat", "lion")
        $0.blend?.threshold = 1
      },
    ] as [Change<EditOptions>])
  func validation(change: Change<EditOptions>) throws {
    var options = EditOptions()
    #expect(throws: Never.self) { try options.validate() }
    change.apply(&options)
    let error = try inputError { try options.validate() }
    #expect(error != nil && error?.message.hasSuffix(".") == true)
  }

  @Test("inversion options are decoded as they were encoded")
  func wholeInversion() throws {
    var options = InversionOptions()
    #expect(try again(options) == options)
    options.steps = 33
    options.guidance = 1 / 3
    options.pivots = .random(seed: .max)
    options.pivotRefinements = 2
    options.framing = Framing(
      .pixels(PixelSize(width: 96, height: 64)), crop: PixelRect(x: 1, y: 2, width: 30, height: 40), fit: true
    )
    for method in InversionMethod.ofOwnSettings {
      options.method = method
      #expect(try again(options) == options)
      #expect(InversionOptions(json: options.json) == options)
    }
    #expect(try again(InversionOptions.fast) == .fast)
  }

  @Test(
    "options of an older version, with the settings of all methods, are decoded",
    arguments: [
      (
        #""nullText""#,
        InversionMethod.nullText(
          NullText(
            innerSteps: 7, earlyStop: 1.1e-7, optimizer: .conjugateDirections, start: .caption,
            budget: .seconds(12.5)))
      ),
      (#""negativePrompt""#, .negativePrompt(NegativePrompt(interpolation: 0.7))), (#""direct""#, .direct),
      (#""ddim""#, .ddim),
      (#""globalNullText""#, .globalNullText(GlobalNullText(sweeps: 7, earlyStop: 1.1e-7, start: .caption))),
    ])
  func olderInversion(name: String, method: InversionMethod) throws {
    let json = #"""
      {"budget":12.5,"earlyStop":1.1e-07,"guidance":3.5,"innerSteps":7,"interpolation":0.7,"method":\#(name),
      "optimizer":"conjugateDirections","pivotRefinements":2,"randomPivotSeed":9,"start":"caption","steps":33}
      """#
    var expected = InversionOptions(method: method)
    (expected.steps, expected.guidance, expected.pivotRefinements) = (33, 3.5, 2)
    expected.pivots = .random(seed: 9)
    #expect(try decoded(json) == expected)
  }

  @Test("missing inversion options have their defaults, and equal options have equal text")
  func partialInversion() throws {
    #expect(try decoded("{}") == InversionOptions())
    var expected = InversionOptions()
    expected.steps = 20
    expected.pivots = .random(seed: 9)
    #expect(try decoded(#"{"steps":20,"randomPivotSeed":9,"mood":"good"}"#) == expected)
    #expect(expected.json == (try again(expected)).json && !expected.json.contains("\n"))
    for json in [
      #"{"method":"magic"}"#, #"{"steps":"many"}"#, #"{"randomPivotSeed":-1}"#, "7", #"{"size":"big"}"#,
      #"{"size":7}"#, #"{"crop":"1,2,3"}"#,
    ] {
      #expect(throws: (any Error).self) { try decoded(json, as: InversionOptions.self) }
    }
  }

  @Test(
    "inversion options out of range are rejected",
    arguments: [
      Change("no steps") { $0.steps = 0 }, Change("too many steps") { $0.steps = 1001 },
      Change("guidance") { $0.guidance = .nan }, Change("inner steps") { $0.nullText?.innerSteps = -1 },
      Change("early stop") { $0.nullText?.earlyStop = -1e-9 },
      Change("NaN early stop") { $0.nullText?.earlyStop = .nan },
      Change("interpolation") {
        $0.method = .negativePrompt(NegativePrompt(interpolation: 1.01))
      },
      Change("NaN interpolation") {
        $0.method = .negativePrompt(NegativePrompt(interpolation: .nan))
      },
      Change("sweeps") { $0.method = .globalNullText(GlobalNullText(sweeps: -1)) },
      Change("early stop of sweeps") { $0.method = .globalNullText(GlobalNullText(earlyStop: .nan)) },
      Change("refinements") { $0.pivotRefinements = -1 },
    ] as [Change<InversionOptions>])
  func inversionValidation(change: Change<InversionOptions>) throws {
    var options = InversionOptions()
    change.apply(&options)
    let error = try inputError { try options.validate() }
    #expect(error?.kind == .outOfRange && error?.message.hasSuffix(".") == true)
  }
}
