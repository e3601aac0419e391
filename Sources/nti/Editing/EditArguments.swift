internal import ArgumentParser
internal import NullTextInversion

/// The values of `--control`: what preserves the source.
enum ControlName: String, ExpressibleByArgument, CaseIterable {
  case promptToPrompt = "prompt-to-prompt"
  case none
  case masactrl
  case sdedit
  case removal
}

/// The values of `--preset`: the source of edit settings that are not given.
enum EditPreset: String, ExpressibleByArgument, CaseIterable {
  /// The kind of edit, found from the prompts, and the model's recommendations.
  case auto
  /// The publication.
  case published
}

/// The values of `--step-rule`.
enum StepRuleName: String, CaseIterable {
  case guided
  case difference
  case hEdit
  case hEditExplicit

  /// Creates the name of a rule.
  init(_ rule: StepRule) {
    self =
      switch rule {
      case .guided: .guided
      case .difference: .difference
      case .hEdit(let settings): settings.isImplicit ? .hEdit : .hEditExplicit
      }
  }
}

/// The values of `--controller`: how words are matched.
enum ControllerName: String, ExpressibleByArgument, CaseIterable {
  case auto
  case replace
  case refine

  /// The library's value.
  var choice: ControllerChoice {
    switch self {
    case .auto: .auto
    case .replace: .replace
    case .refine: .refine
    }
  }
}

/// One or more windows, as in `0.4`, `0.1:0.5` or `0.2,0.4,0.6`.
struct WindowList: Equatable {
  let windows: [StepWindow]

  init(parsing text: String) throws {
    windows = try text.split(separator: ",", omittingEmptySubsequences: false).map {
      try StepWindow(parsing: String($0))
    }
  }
}

/// A value of `--cross-steps`: windows for all words, or a window for one word, as in `lion=0.1:0.4`.
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

  /// The windows for all words; empty for the window of one word.
  var everywhere: [StepWindow] { if case .everywhere(let list) = self { list.windows } else { [] } }

  /// The window of one word; nil for windows for all words.
  var word: WordWindow? { if case .word(let window) = self { window } else { nil } }
}

extension TargetNull {
  /// Parses a value of `--null-embedding`: `fitted`, `empty`, a share as in `0.5`, or one with a window as in `0.5@0.4:1`.
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
  /// Parses the last fraction of the steps, in which latents are not replaced, as in `0.6`.
  init(parsing text: String) throws {
    guard let part = Double(text) else { throw InputError(.malformed, "write a number from 0 to 1.") }
    try self.init(stopInject: part)
  }
}

/// The thresholds of blended and of subtracted words, as in `0.3,0.4`, or `0.3` for both.
struct BlendThresholds: Equatable {
  let kept: Double
  let subtracted: Double

  init(parsing text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    guard (1...2).contains(parts.count), values.count == parts.count else {
      throw InputError(
        .malformed, "write one or two numbers that are at least 0 and less than 1, as in 0.3 or 0.3,0.4.")
    }
    kept = values[0]
    subtracted = values[values.count - 1]
  }
}
