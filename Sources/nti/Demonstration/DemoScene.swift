/// What the demo inverts, and how it edits it.
struct DemoScene {
  /// One edit of the demo.
  struct Edit {
    /// Of the file.
    let name: String
    let prompt: String
  }

  /// The number of a picture of EmojiScenes' benchmark.
  let picture: String
  let caption: String
  let edits: [Edit]

  /// A swapped object, another background, an added adjective.
  static let bundled = DemoScene(
    picture: "600000000051", caption: "a fox next to a strawberry on sand",
    edits: [
      Edit(name: "cat", prompt: "a cat next to a strawberry on sand"),
      Edit(name: "snow", prompt: "a fox next to a strawberry in snow"),
      Edit(name: "blue", prompt: "a fox next to a blue strawberry on sand"),
    ])
}
