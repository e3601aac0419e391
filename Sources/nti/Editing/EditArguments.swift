internal import ArgumentParser
internal import NullTextInversion

/// The names of the ways to keep a picture together.
enum ControlName: String, ExpressibleByArgument, CaseIterable {
  case promptToPrompt = "prompt-to-prompt"
  case none
  case masactrl
  case sdedit
  case removal
}

/// Where settings of an edit come from that are not given.
enum EditPreset: String, ExpressibleByArgument, CaseIterable {
  /// From the kind of edit, which the prompts tell, and the model's recommendations.
  case auto
  /// From the publication.
  case published
}

/// The names of the step rules.
enum StepRuleName: String, CaseIterable {
  case guided
  case difference
  case hEdit
  case hEditExplicit

  /// The name of a rule.
  init(_ rule: StepRule) {
    self =
      switch rule {
      case .guided: .guided
      case .difference: .difference
      case .hEdit(let settings): settings.isImplicit ? .hEdit : .hEditExplicit
      }
  }
}

/// The names of the ways to match words.
enum ControllerName: String, ExpressibleByArgument, CaseIterable {
  case auto
  case replace
  case refine

  /// The same for the library.
  var choice: ControllerChoice {
    switch self {
    case .auto: .auto
    case .replace: .replace
    case .refine: .refine
    }
  }
}

/// One or more windows to try, as in `0.4` or `0.1:0.5` or `0.2,0.4,0.6`.
struct WindowList: Equatable {
  let windows: [StepWindow]

  init(parsing text: String) throws {
    windows = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      try StepWindow(parsing: String($0))
    }
  }
}

/// Windows for all words, or one for a word of its own, as in `lion=0.1:0.4`.
enum CrossStepsArgument: Equatable {
  case everywhere(WindowList)
  case word(WordWindow)

  init(parsing text: String) throws {
    guard text.contains("=") else {
      self = .everywhere(try WindowList(parsing: text))
      return
    }
    self = .word(try WordWindow(parsing: text))
  }

  /// The windows for all words; none if this is a word's own.
  var everywhere: [StepWindow] { if case .everywhere(let list) = self { list.windows } else { [] } }

  /// The window of a word of its own.
  var word: WordWindow? { if case .word(let window) = self { window } else { nil } }
}

extension TargetNull {
  /// As in `fitted`, `empty`, `0.5` or `0.5@0.4:1`.
  init(parsing text: String) throws {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let shares = ["fitted": 0.0, "empty": 1.0]
    guard let share = shares[parts[0].lowercased()] ?? Double(parts[0]) else {
      throw InputError(.malformed, "write fitted, empty, or a number from 0 to 1, as in 0.5 or 0.5@0.4:1.")
    }
    self.init(emptyShare: share, window: parts.count == 2 ? try StepWindow(parsing: String(parts[1])) : .all)
  }
}

extension SpatialReplace {
  /// The part of the steps that is left free, as in `0.6`.
  init(parsing text: String) throws {
    guard let part = Double(text) else { throw InputError(.malformed, "write a number from 0 to 1.") }
    try self.init(stopInject: part)
  }
}

/// Two thresholds, as in `0.3` for both or `0.3,0.4`: of the words to blend, and of those to leave out.
struct BlendThresholds: Equatable {
  let kept: Double
  let subtracted: Double

  init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    guard (1...2).contains(parts.count), values.count == parts.count else {
      throw InputError(.malformed, "write one number from 0 to below 1, or two like 0.3,0.4.")
    }
    kept = values[0]
    subtracted = values[values.count - 1]
  }
}
