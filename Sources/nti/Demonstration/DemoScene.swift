internal import NullTextInversion

/// What the demo inverts, and how it edits it.
struct DemoScene {
  /// One edit of the demo.
  struct Edit {
    /// Of the file.
    let name: String
    let prompt: String
    let options: EditOptions
  }

  /// The number of a picture of EmojiScenes' benchmark.
  let picture: String
  let caption: String
  let edits: [Edit]

  /// A swapped object, another background, an added adjective; all at guidance 3, which suits the demo model.
  static let bundled: DemoScene = {
    var options = EditOptions()
    options.guidance = 3
    return DemoScene(
      picture: "600000000051", caption: "a fox next to a strawberry on sand",
      edits: [
        Edit(name: "cat", prompt: "a cat next to a strawberry on sand", options: options),
        Edit(name: "snow", prompt: "a fox next to a strawberry in snow", options: options),
        Edit(name: "blue", prompt: "a fox next to a blue strawberry on sand", options: options),
      ])
  }()
}
