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

  /// A swapped object, another background, another style; all at guidance 3, which suits the demo model.
  static let bundled: DemoScene = {
    var options = EditOptions()
    options.guidance = 3
    return DemoScene(
      picture: "100000000042", caption: "a tiger on grass",
      edits: [
        Edit(name: "fox", prompt: "a fox on grass", options: options),
        Edit(name: "snow", prompt: "a tiger in snow", options: options),
        Edit(name: "sketch", prompt: "a sketch of a tiger on grass", options: options),
      ])
  }()
}
